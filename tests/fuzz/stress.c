/* Sessions that are lent, read, recalled and lent again while two threads carry their frames; for TSan, ASan and valgrind.
 *
 *     stress [SESSIONS [ROUNDS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "harness.h"

#define THREADS 2
#define BATCH 32

static void *run(void *thread) {
    thread_run(thread);
    return NULL;
}

static size_t build_frame(uint8_t *buffer, size_t length, bool masked) {
    size_t size = 0;
    buffer[size++] = 0x82;
    uint8_t bit = masked ? 0x80 : 0;
    if (length <= 125) {
        buffer[size++] = bit | (uint8_t)length;
    } else {
        buffer[size++] = bit | 126;
        buffer[size++] = (uint8_t)(length >> 8);
        buffer[size++] = (uint8_t)length;
    }
    memset(buffer + size, 'x', length + 4);
    return size + length + (masked ? 4 : 0);
}

static void exercise(struct trial *trial, struct thread *thread) {
    static uint8_t frame[70000];
    int side = rand() & 1;
    size_t length = rand() % 8 ? (size_t)(rand() % 300) : (size_t)(126 + rand() % 3000);
    peer_sends(trial, side, frame, build_frame(frame, length, side == CLIENT));
    (void)session_tally(trial->session, side);
    if (rand() % 3)
        peer_receives(trial, !side, SIZE_MAX);
    if (!(rand() % 20))
        trial_recall(trial, thread);
}

int main(int count, char **arguments) {
    long sessions = count > 1 ? atol(arguments[1]) : 1000;
    long rounds = count > 2 ? atol(arguments[2]) : 200;
    fake_tls_use();
    struct pump *pump = pump_new();
    struct thread *threads[THREADS];
    pthread_t running[THREADS];
    for (int i = 0; i < THREADS; i++) {
        threads[i] = thread_new(pump);
        pthread_create(&running[i], NULL, run, threads[i]);
    }
    static struct trial trials[BATCH];
    for (long done = 0; done < sessions; done += BATCH) {
        for (int i = 0; i < BATCH; i++) {
            trial_open(&trials[i], i & 1, i & 2);
            trial_lend(&trials[i], threads[i % THREADS], (uint64_t)i);
        }
        for (long round = 0; round < rounds * BATCH; round++) {
            int i = rand() % BATCH;
            exercise(&trials[i], threads[rand() % THREADS]);
        }
        for (int i = 0; i < BATCH; i++)
            trial_close(&trials[i]);
        uint64_t ids[BATCH];
        while (pump_take(pump, ids, BATCH))
            ;
    }
    for (int i = 0; i < THREADS; i++) {
        thread_stop(threads[i]);
        pthread_join(running[i], NULL);
        thread_free(threads[i]);
    }
    pump_free(pump);
    printf("%ld sessions\n", sessions);
    return 0;
}
