/* libFuzzer: a whole session, whose peers send, read, end and vanish, and which is recalled and lent again, in any order.
 *
 * The input: one byte of settings, then steps of a byte of what to do and one of how much, with the bytes that are sent.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pump *pump;
static struct thread *thread;

static void set_up(void) {
    if (thread)
        return;
    fake_tls_use();
    pump = pump_new();
    thread = thread_new(pump);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    set_up();
    if (!size)
        return 0;
    struct trial trial;
    trial_open(&trial, data[0] & 1, data[0] & 2);
    trial_lend(&trial, thread, 1);
    for (size_t i = 1; i + 1 < size;) {
        int side = data[i] & 1 ? SERVICE : CLIENT;
        unsigned step = data[i] >> 1 & 7u;
        size_t amount = data[i + 1];
        i += 2;
        if (amount > size - i)
            amount = size - i;
        if (step < 3) {
            peer_sends(&trial, side, data + i, amount);
            i += amount;
        } else if (step == 3) {
            peer_receives(&trial, side, 256 * amount);
        } else if (step == 4) {
            trial_recall(&trial, thread);
        } else if (step == 5) {
            shutdown(trial.ends[side].peer, amount & 1 ? SHUT_WR : SHUT_RDWR);
        }
        thread_turn(thread, 0);
    }
    trial_close(&trial);
    uint64_t ids[8];
    while (pump_take(pump, ids, 8))
        ;
    thread_turn(thread, 0);
    return 0;
}
