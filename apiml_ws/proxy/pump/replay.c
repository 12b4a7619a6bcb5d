#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "walker.h"

/* Doubled until it fits: messages that take many reads are copied a few times, not at each. */
#define FIRST_ROOM 512

bool replay_keeps(const struct replay *replay) {
    return replay->size || replay->cut;
}

bool replay_wants(const struct replay *replay, size_t end) {
    return end != NOWHERE || !replay->cut;
}

static void forget_incomplete(struct replay *replay) {
    free(replay->incomplete);
    replay->incomplete = NULL;
    replay->size = replay->room = 0;
}

static bool make_room(struct replay *replay, size_t size) {
    if (size <= replay->room)
        return true;
    size_t room = replay->room ? replay->room : FIRST_ROOM;
    while (room < size)
        room *= 2;
    uint8_t *grown = realloc(replay->incomplete, room);
    if (!grown)
        return false;
    replay->incomplete = grown;
    replay->room = room;
    return true;
}

void replay_settled(struct replay *replay, const uint8_t *frames, size_t size, size_t end) {
    if (end != NOWHERE) {
        frames += end;
        size -= end;
        replay->size = 0;
        replay->cut = 0;
    }
    bool fits = !replay->cut && size <= replay->limit && replay->size <= replay->limit - size;
    /* Without memory the session just cannot move. */
    if (!fits || !make_room(replay, replay->size + size)) {
        replay->size = 0;
        replay->cut = 1;
    } else if (size) {
        memcpy(replay->incomplete + replay->size, frames, size);
        replay->size += size;
    }
    if (!replay->size)
        forget_incomplete(replay);
}

static const uint8_t *copy(const uint8_t *data, size_t size) {
    uint8_t *made = malloc(size);
    return made ? memcpy(made, data, size) : NULL;
}

void replay_flying(struct replay *replay, const uint8_t *frames, size_t size, size_t end, struct origin origin, bool borrowed) {
    replay->flying = borrowed ? frames : copy(frames, size);
    if (!replay->flying) {
        replay->size = 0;
        replay->cut = 1;
        return;
    }
    replay->flying_size = size;
    replay->flying_end = end;
    replay->origin_left = origin.left;
    replay->origin_fragmented = origin.fragmented;
    replay->borrowed = borrowed;
}

static void forget_flying(struct replay *replay) {
    if (!replay->borrowed)
        free((void *)replay->flying);
    replay->flying = NULL;
    replay->flying_size = 0;
    replay->borrowed = 0;
}

void replay_settle(struct replay *replay) {
    if (!replay->flying)
        return;
    replay_settled(replay, replay->flying, replay->flying_size, replay->flying_end);
    forget_flying(replay);
}

void replay_clear(struct replay *replay) {
    forget_flying(replay);
    forget_incomplete(replay);
}
