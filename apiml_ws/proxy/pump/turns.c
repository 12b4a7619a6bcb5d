#include "turns.h"

#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The shortest that there is. */
#define TURN_NANOSECONDS 100000

/* What sched_setattr(2) takes, in its first version: C libraries and kernel headers do not agree who declares it. */
struct attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
};

void shorten_turns(int id) {
#if defined(SYS_sched_getattr) && defined(SYS_sched_setattr)
    struct attributes attributes = {.size = sizeof attributes};
    if (syscall(SYS_sched_getattr, id, &attributes, sizeof attributes, 0) || attributes.policy != SCHED_OTHER)
        return;
    attributes.runtime = TURN_NANOSECONDS;
    syscall(SYS_sched_setattr, id, &attributes, 0);
#else
    (void)id;
#endif
}
