/* What the fuzzer and the stress of the pump share: sessions over socket pairs, and a stand-in for OpenSSL. */
#ifndef APIML_WS_HARNESS_H
#define APIML_WS_HARNESS_H

#include "pump.h"

/* Records are two bytes of length and so many bytes, turned over; a length of zero is close_notify, one beyond 16384 an
 * error.  A stand-in for a SSL and its two BIOs. */
struct fake_tls {
    uint8_t *in;
    size_t in_size;
    uint8_t *out;
    size_t out_size;
    int error;
};

void fake_tls_use(void);
void fake_tls_clear(struct fake_tls *tls);
/* data in records, into sealed; how many bytes. */
size_t fake_tls_seal(const uint8_t *data, size_t size, uint8_t *sealed);
/* The plain bytes of whole records, in place. */
size_t fake_tls_open(uint8_t *data, size_t size);

/* One end of a session: the pump's socket, the peer's, and all that the peer sent and received. */
struct end_of {
    int ours;
    int peer;
    struct fake_tls tls;
    bool secure;
    uint8_t *sent;
    size_t sent_size;
    uint8_t *got;
    size_t got_size;
};

struct trial {
    struct end_of ends[2];
    struct session *session;
    bool over;
};

void trial_open(struct trial *trial, bool secure_client, bool secure_service);
void trial_lend(struct trial *trial, struct thread *thread, uint64_t id);
/* The peer of a side sends plain bytes, as many as its socket takes whole. */
void peer_sends(struct trial *trial, int side, const uint8_t *data, size_t size);
void peer_receives(struct trial *trial, int side, size_t most);
/* Recalls it; lends it again when nothing was under way, else it is over. */
void trial_recall(struct trial *trial, struct thread *thread);
/* Checks that what arrived is what was sent, as far as the pump says that it passed it, and frees everything. */
void trial_close(struct trial *trial);

#endif
