/* What a service received that has to be said again to the one that takes its place: the part of a message that is not
 * complete, up to a limit, and the last that was passed on while the kernel did not take all of it.  It is only kept here;
 * what becomes of it is decided by the interpreter's backlog, which has the same fields and rules.
 */
#ifndef APIML_WS_REPLAY_H
#define APIML_WS_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct replay {
    size_t limit;
    uint8_t *incomplete;
    size_t size;
    size_t room;
    uint8_t cut;                /* the incomplete message grew beyond the limit */
    const uint8_t *flying;      /* NULL for none */
    size_t flying_size;
    size_t flying_end;          /* see struct walked */
    uint64_t origin_left;       /* the walker's, before what is flying */
    uint8_t origin_fragmented;
    uint8_t borrowed;           /* flying belongs to somebody else */
};

/* How the client's stream stood before some bytes of it. */
struct origin {
    uint64_t left;
    uint8_t fragmented;
};

/* Whether anything of what was passed on is kept; while not, only what leaves a message incomplete needs to be told. */
bool replay_keeps(const struct replay *replay);

/* Whether frames that the kernel does not take all of have to be kept whole; end as in struct walked. */
bool replay_wants(const struct replay *replay, size_t end);

/* The frames went to the service, and the kernel took all of them. */
void replay_settled(struct replay *replay, const uint8_t *frames, size_t size, size_t end);

/* The frames went to the service, and the kernel took a part.  Nothing more is passed on before replay_settle.  With
 * borrowed they stay where they are until then. */
void replay_flying(struct replay *replay, const uint8_t *frames, size_t size, size_t end, struct origin origin, bool borrowed);

/* The kernel took what is flying. */
void replay_settle(struct replay *replay);

void replay_clear(struct replay *replay);

#endif
