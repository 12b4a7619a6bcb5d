/* Sessions whose two legs the interpreter lends to threads that run outside its lock.
 *
 * The pump carries frames that are plainly allowed from leg to leg, and nothing else.  As soon as anything else is to be
 * done it parks the session: it lets go of both sockets, and posts the session's id; or the interpreter recalls the session
 * at any time.  Either way the relay in Python goes on where the pump stopped, from the state that is found in the session.
 * So whatever is rare and has rules is written once, in Python.
 */
#ifndef APIML_WS_PUMP_H
#define APIML_WS_PUMP_H

#include <pthread.h>

#include "leg.h"
#include "replay.h"

enum { CLIENT, SERVICE };

struct thread;
struct pump;

struct session {
    uint64_t id;
    int64_t patience;     /* nanoseconds that a peer may take nothing, 0 for any */
    struct leg legs[2];
    struct replay replay; /* of what goes to the service */

    /* The pump's; lock guards all of the session but the counters, which are read at any time. */
    struct thread *thread;
    pthread_mutex_t lock;
    uint8_t wanted;       /* the interpreter waits for the lock, and goes first */
    uint8_t parked;
    uint8_t listed;       /* among the thread's blocked ones; its thread's alone */
    struct session *next_blocked;
    struct session *next_dead;
};

/* What came from a leg so far, and when the last came. */
struct tally {
    uint64_t frames;
    uint64_t messages;
    uint64_t bytes;
    int64_t seen;
};

/* NULL for want of memory or descriptors, as everywhere below. */
struct pump *pump_new(void);
void pump_free(struct pump *pump);
/* Readable when sessions were parked. */
int pump_descriptor(const struct pump *pump);
/* Ids of sessions that were parked, some of which may have been recalled meanwhile. */
size_t pump_take(struct pump *pump, uint64_t *ids, size_t room);

struct thread *thread_new(struct pump *pump);
/* Serves until thread_stop was called. */
void thread_run(struct thread *thread);
/* What thread_run does once; timeout in milliseconds, -1 for ever. */
void thread_turn(struct thread *thread, int timeout);
void thread_stop(struct thread *thread);
/* After thread_run returned, and when all of its sessions are freed. */
void thread_free(struct thread *thread);

/* All zero; to be filled in before it is lent. */
struct session *session_new(void);
/* 0, or an errno; the session may be freed then. */
int session_lend(struct session *session, struct thread *thread);
/* Afterwards the pump does not touch the session or what belongs to it any more. */
void session_recall(struct session *session);
struct tally session_tally(const struct session *session, int side);
/* After session_recall, or without session_lend. */
void session_free(struct session *session);

/* Gives the system back the pages of the heap that are free, where the C library can. */
void give_back(void);

#endif
