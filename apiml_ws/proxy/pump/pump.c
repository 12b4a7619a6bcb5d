#include "pump.h"

#include <errno.h>
#include <limits.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 64
/* How often those that take nothing are looked for, while there are any. */
#define LOOK_MILLISECONDS 100
#define LOOK_NANOSECONDS (LOOK_MILLISECONDS * INT64_C(1000000))
/* As UNACKNOWLEDGED of options.py and _AFTER_US of output.py. */
#define UNACKNOWLEDGED_MILLISECONDS 30000
#define AFTER_US_MILLISECONDS 5000
/* A thread that sleeps is woken to free the dead when there are so many. */
#define DEAD_LIMIT 256

struct pump {
    pthread_mutex_t lock;
    int descriptor;
    uint64_t *ids;
    size_t count;
    size_t room;
};

struct thread {
    struct pump *pump;
    int epoll;
    int wake;
    bool stop;
    int64_t looked;
    struct session *blocked;
    pthread_mutex_t lock; /* of the dead: a report of theirs may be under way, so that the thread frees them itself */
    struct session *dead;
    unsigned dead_count;
    struct room room;
};

static int64_t monotonic(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void signal_descriptor(int descriptor) {
    uint64_t one = 1;
    /* It can only fail when it is readable anyway. */
    if (write(descriptor, &one, sizeof one) < 0)
        return;
}

static void silence_descriptor(int descriptor) {
    uint64_t number;
    if (read(descriptor, &number, sizeof number) < 0)
        return;
}

/* ---- What the interpreter is told. */

struct pump *pump_new(void) {
    struct pump *pump = calloc(1, sizeof *pump);
    if (!pump)
        return NULL;
    pump->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pump->descriptor < 0) {
        free(pump);
        return NULL;
    }
    pthread_mutex_init(&pump->lock, NULL);
    return pump;
}

void pump_free(struct pump *pump) {
    close(pump->descriptor);
    pthread_mutex_destroy(&pump->lock);
    free(pump->ids);
    free(pump);
}

int pump_descriptor(const struct pump *pump) {
    return pump->descriptor;
}

static bool make_room(struct pump *pump) {
    if (pump->count < pump->room)
        return true;
    size_t room = pump->room ? 2 * pump->room : EVENTS;
    uint64_t *grown = realloc(pump->ids, room * sizeof *grown);
    if (!grown)
        return false;
    pump->ids = grown;
    pump->room = room;
    return true;
}

static bool post(struct pump *pump, uint64_t id) {
    pthread_mutex_lock(&pump->lock);
    bool posted = make_room(pump);
    if (posted)
        pump->ids[pump->count++] = id;
    bool first = pump->count == 1;
    pthread_mutex_unlock(&pump->lock);
    if (posted && first)
        signal_descriptor(pump->descriptor);
    return posted;
}

size_t pump_take(struct pump *pump, uint64_t *ids, size_t room) {
    pthread_mutex_lock(&pump->lock);
    silence_descriptor(pump->descriptor);
    size_t count = pump->count < room ? pump->count : room;
    if (count)
        memcpy(ids, pump->ids, count * sizeof *ids);
    pump->count -= count;
    if (pump->count) {
        memmove(pump->ids, pump->ids + count, pump->count * sizeof *ids);
        signal_descriptor(pump->descriptor);
    }
    pthread_mutex_unlock(&pump->lock);
    return count;
}

/* ---- A session in its thread's hands; with its lock. */

static struct leg *partner(struct leg *leg) {
    struct session *session = leg->session;
    return leg == &session->legs[CLIENT] ? &session->legs[SERVICE] : &session->legs[CLIENT];
}

static void unwatch(struct session *session) {
    epoll_ctl(session->thread->epoll, EPOLL_CTL_DEL, session->legs[CLIENT].fd, NULL);
    epoll_ctl(session->thread->epoll, EPOLL_CTL_DEL, session->legs[SERVICE].fd, NULL);
}

/* What is not told again, because it was told once, is told once more. */
static void report_anew(struct leg *leg) {
    struct epoll_event event = {.events = leg->watched, .data.ptr = leg};
    epoll_ctl(leg->session->thread->epoll, EPOLL_CTL_MOD, leg->fd, &event);
}

static void park(struct session *session) {
    if (session->parked)
        return;
    /* Without memory for it the reports go on until there is some. */
    if (!post(session->thread->pump, session->id)) {
        report_anew(&session->legs[CLIENT]);
        report_anew(&session->legs[SERVICE]);
        return;
    }
    session->parked = 1;
    unwatch(session);
}

/* A leg whose partner did not take what was read is not read, but its end is always looked for.  What OpenSSL holds from
 * before the session was lent is heard at the leg's own first report, which may come after its partner's.
 * What is watched is told when it changes (EPOLLET): to be told as long as it is so has the kernel look at every leg twice.
 * So nobody may stop reading before all is read, unless it is watched anew. */
static void watch(struct leg *leg) {
    bool blocked = partner(leg)->kept != NULL;
    uint32_t events =
        EPOLLET | EPOLLRDHUP | (blocked ? 0u : EPOLLIN) | (leg->kept || (leg->unread && !blocked) ? EPOLLOUT : 0u);
    if (events == leg->watched && !(leg->more && !blocked))
        return;
    leg->watched = events;
    leg->more = 0;
    report_anew(leg);
}

static void list_blocked(struct session *session) {
    if (session->listed)
        return;
    session->listed = 1;
    session->next_blocked = session->thread->blocked;
    session->thread->blocked = session;
}

/* How long the kernel lets a peer live that takes nothing, or acknowledges nothing: to it both are the same.  Where a
 * socket has no such option it goes without. */
static void allow(const struct leg *leg, int milliseconds) {
    setsockopt(leg->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

/* While anything is kept it is the pump that looks for peers that take nothing; the kernel may only do so later. */
static void allow_more(const struct leg *leg) {
    int64_t patience = leg->session->patience / 1000000;
    int64_t more = patience + AFTER_US_MILLISECONDS;
    if (more < UNACKNOWLEDGED_MILLISECONDS)
        more = UNACKNOWLEDGED_MILLISECONDS;
    allow(leg, patience ? (int)(more < INT_MAX ? more : INT_MAX) : 0);
}

static void forward(struct leg *source, const uint8_t *frames, size_t size, struct origin origin, size_t end, int64_t now) {
    struct session *session = source->session;
    struct leg *target = partner(source);
    struct replay *replay = &session->replay;
    bool upward = target == &session->legs[SERVICE];
    bool whole = upward && !target->ssl && replay_wants(replay, end);
    leg_send(target, &session->thread->room, frames, size, whole, now);
    if (target->kept)
        allow_more(target);
    if (!upward)
        return;
    if (!target->kept) {
        if (source->walker.left || source->walker.fragmented || replay_keeps(replay))
            replay_settled(replay, frames, size, end);
    } else if (replay_wants(replay, end)) {
        replay_flying(replay, whole ? target->kept : frames, size, end, origin, whole);
    }
}

static void hold_back(struct leg *leg, const uint8_t *rest, size_t size, bool stopped) {
    if (!stopped) {
        memcpy(leg->held, rest, size);
        leg->held_size = (uint8_t)size;
        return;
    }
    leg->tail = malloc(size);
    if (!leg->tail) {
        leg->end = FAILED;
        return;
    }
    memcpy(leg->tail, rest, size);
    leg->tail_size = (uint32_t)size;
}

static void pull(struct leg *leg, int64_t now) {
    struct session *session = leg->session;
    struct room *room = &session->thread->room;
    size_t size = leg_read(leg, room, now);
    if (size) {
        struct origin origin = {leg->walker.left, leg->walker.fragmented};
        struct walked walked = walk(&leg->walker, room->plain, size);
        if (walked.passed)
            forward(leg, room->plain, walked.passed, origin, walked.message_end, now);
        hold_back(leg, room->plain + walked.passed, size - walked.passed, walked.stopped);
    }
    if (leg->kept || partner(leg)->kept)
        list_blocked(session);
    if (leg->tail || leg->end || partner(leg)->end)
        park(session);
}

/* Reads once; again only what OpenSSL holds already, of which there is never more than one read. */
static void hear(struct leg *leg, int64_t now) {
    do
        pull(leg, now);
    while (leg->unread && !leg->session->parked && !partner(leg)->kept);
}

static void flush(struct leg *leg, int64_t now) {
    struct session *session = leg->session;
    bool done = leg_flush(leg, now);
    if (leg->end) {
        park(session);
        return;
    }
    if (!done)
        return;
    if (leg == &session->legs[SERVICE])
        replay_settle(&session->replay);
    leg_forget(leg);
    allow(leg, UNACKNOWLEDGED_MILLISECONDS);
    if (partner(leg)->unread)
        hear(partner(leg), now);
}

/* What is still to be read of a peer that sends no more, and what becomes of its partner meanwhile, has rules. */
static bool hung_up(uint32_t events) {
    return events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

static void serve_open(struct leg *leg, uint32_t events, int64_t now) {
    struct session *session = leg->session;
    if (hung_up(events)) {
        leg->end = HUNG_UP;
        park(session);
        return;
    }
    if (events & EPOLLOUT && leg->kept)
        flush(leg, now);
    if (!session->parked && !partner(leg)->kept && (leg->unread || events & EPOLLIN))
        hear(leg, now);
    if (session->parked)
        return;
    watch(&session->legs[CLIENT]);
    watch(&session->legs[SERVICE]);
}

static void serve(struct leg *leg, uint32_t events, int64_t now) {
    struct session *session = leg->session;
    if (__atomic_load_n(&session->wanted, __ATOMIC_RELAXED)) {
        sched_yield();
        return;
    }
    pthread_mutex_lock(&session->lock);
    if (!session->parked)
        serve_open(leg, events, now);
    pthread_mutex_unlock(&session->lock);
}

/* ---- A thread. */

static bool overdue(const struct leg *leg, int64_t patience, int64_t now) {
    return leg->kept && patience && now - leg->took >= patience;
}

/* Whether it is blocked still; parks it when it has been for too long. */
static bool look_at(struct session *session, int64_t now) {
    pthread_mutex_lock(&session->lock);
    struct leg *client = &session->legs[CLIENT];
    struct leg *service = &session->legs[SERVICE];
    bool blocked = !session->parked && (client->kept || service->kept);
    if (blocked && (overdue(client, session->patience, now) || overdue(service, session->patience, now)))
        park(session);
    pthread_mutex_unlock(&session->lock);
    return blocked;
}

static void look_for_stalls(struct thread *thread, int64_t now) {
    struct session **place = &thread->blocked;
    while (*place) {
        struct session *session = *place;
        if (look_at(session, now)) {
            place = &session->next_blocked;
        } else {
            *place = session->next_blocked;
            session->listed = 0;
        }
    }
    thread->looked = now;
}

static void destroy(struct session *session) {
    pthread_mutex_destroy(&session->lock);
    free(session);
}

static void bury(struct thread *thread) {
    pthread_mutex_lock(&thread->lock);
    struct session *dead = thread->dead;
    thread->dead = NULL;
    thread->dead_count = 0;
    pthread_mutex_unlock(&thread->lock);
    if (dead)
        look_for_stalls(thread, monotonic()); /* takes those that are parked off the list */
    while (dead) {
        struct session *next = dead->next_dead;
        destroy(dead);
        dead = next;
    }
}

struct thread *thread_new(struct pump *pump) {
    struct thread *thread = calloc(1, sizeof *thread);
    if (!thread)
        return NULL;
    thread->pump = pump;
    thread->epoll = epoll_create1(EPOLL_CLOEXEC);
    thread->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    pthread_mutex_init(&thread->lock, NULL);
    if (thread->epoll < 0 || thread->wake < 0 || epoll_ctl(thread->epoll, EPOLL_CTL_ADD, thread->wake, &event)) {
        thread_free(thread);
        return NULL;
    }
    return thread;
}

void thread_turn(struct thread *thread, int timeout) {
    struct epoll_event events[EVENTS];
    bury(thread);
    if (thread->blocked && (timeout < 0 || timeout > LOOK_MILLISECONDS))
        timeout = LOOK_MILLISECONDS;
    int count = epoll_wait(thread->epoll, events, EVENTS, timeout);
    int64_t now = monotonic();
    /* First those that hung up, so that nothing is passed on to them that came later. */
    for (int i = 0; i < count; i++)
        if (events[i].data.ptr && hung_up(events[i].events))
            serve(events[i].data.ptr, events[i].events, now);
    for (int i = 0; i < count; i++) {
        if (!events[i].data.ptr)
            silence_descriptor(thread->wake);
        else if (!hung_up(events[i].events))
            serve(events[i].data.ptr, events[i].events, now);
    }
    if (thread->blocked && now - thread->looked >= LOOK_NANOSECONDS)
        look_for_stalls(thread, now);
}

void thread_run(struct thread *thread) {
    /* Signals are the interpreter's, in its own thread. */
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    while (!__atomic_load_n(&thread->stop, __ATOMIC_ACQUIRE))
        thread_turn(thread, -1);
}

void thread_stop(struct thread *thread) {
    __atomic_store_n(&thread->stop, true, __ATOMIC_RELEASE);
    signal_descriptor(thread->wake);
}

void thread_free(struct thread *thread) {
    bury(thread);
    if (thread->epoll >= 0)
        close(thread->epoll);
    if (thread->wake >= 0)
        close(thread->wake);
    pthread_mutex_destroy(&thread->lock);
    free(thread);
}

/* ---- Lent and recalled. */

struct session *session_new(void) {
    struct session *session = calloc(1, sizeof *session);
    if (session)
        pthread_mutex_init(&session->lock, NULL);
    return session;
}

static bool watch_first(struct leg *leg, struct session *session) {
    leg->session = session;
    /* What a socket can always be written is a report that comes at once, for what the descriptor does not tell of. */
    leg->watched = EPOLLET | EPOLLRDHUP | EPOLLIN | (leg->unread ? EPOLLOUT : 0u);
    struct epoll_event event = {.events = leg->watched, .data.ptr = leg};
    return !epoll_ctl(session->thread->epoll, EPOLL_CTL_ADD, leg->fd, &event);
}

int session_lend(struct session *session, struct thread *thread) {
    int error = 0;
    session->thread = thread;
    pthread_mutex_lock(&session->lock);
    if (!watch_first(&session->legs[CLIENT], session) || !watch_first(&session->legs[SERVICE], session)) {
        error = errno;
        unwatch(session);
        session->parked = 1;
    }
    pthread_mutex_unlock(&session->lock);
    return error;
}

void session_recall(struct session *session) {
    __atomic_store_n(&session->wanted, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&session->lock);
    if (!session->parked) {
        session->parked = 1;
        unwatch(session);
    }
    pthread_mutex_unlock(&session->lock);
}

static uint64_t now_of(const uint64_t *counter) {
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

struct tally session_tally(const struct session *session, int side) {
    const struct leg *leg = &session->legs[side];
    const struct walker *walker = &leg->walker;
    return (struct tally){
        now_of(&walker->frames), now_of(&walker->messages), now_of(&leg->bytes), __atomic_load_n(&leg->seen, __ATOMIC_RELAXED)
    };
}

void session_free(struct session *session) {
    struct thread *thread = session->thread;
    for (int side = CLIENT; side <= SERVICE; side++) {
        leg_forget(&session->legs[side]);
        free(session->legs[side].tail);
    }
    replay_clear(&session->replay);
    if (!thread) {
        destroy(session);
        return;
    }
    pthread_mutex_lock(&thread->lock);
    session->next_dead = thread->dead;
    thread->dead = session;
    bool many = ++thread->dead_count == DEAD_LIMIT;
    pthread_mutex_unlock(&thread->lock);
    if (many)
        signal_descriptor(thread->wake);
}

void give_back(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
