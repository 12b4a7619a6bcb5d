/* libFuzzer: the walker, on any bytes, cut anyhow.  Cutting makes no difference, and little is held back. */
#include <assert.h>
#include <string.h>

#include "walker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct course {
    struct walker walker;
    size_t passed;
    bool stopped;
};

static void set_up(struct walker *walker, uint8_t settings) {
    walker->masked = settings & 1 ? 0x80 : 0;
    walker->reserved = settings & 2 ? 0x40 : 0;
    walker->max_frame = settings & 4 ? 300 : 0;
    walker->max_message = settings & 8 ? 500 : 0;
}

/* The stream in chunks of the sizes that stand in the first bytes of it, or at once. */
static void follow(struct course *course, uint8_t settings, const uint8_t *data, size_t size, bool cut) {
    memset(course, 0, sizeof *course);
    set_up(&course->walker, settings);
    size_t given = 0;
    for (size_t turn = 0; given < size && !course->stopped; turn++) {
        size_t step = cut ? 1u + data[turn % size] % 40u : size;
        given = size - given < step ? size : given + step;
        struct walked walked = walk(&course->walker, data + course->passed, given - course->passed);
        assert(walked.passed <= given - course->passed);
        assert(walked.message_end == NOWHERE || walked.message_end <= walked.passed);
        course->passed += walked.passed;
        course->stopped = walked.stopped;
        assert(course->stopped || given - course->passed <= HELD_LIMIT);
        assert(given == course->passed || !course->walker.left);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    struct course whole, parts;
    follow(&whole, data[0], data + 1, size - 1, false);
    follow(&parts, data[0], data + 1, size - 1, true);
    assert(whole.passed == parts.passed && whole.stopped == parts.stopped);
    assert(!memcmp(&whole.walker, &parts.walker, sizeof whole.walker));
    return 0;
}
