#include "harness.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNED 0x5a
/* What a SSL says of its own accord: two bytes that are no length of a record. */
static const uint8_t ALERT[] = {0xff, 0xff};
#define SENT_LIMIT (1 << 20)

static void append(uint8_t **data, size_t *size, const uint8_t *more, size_t count) {
    if (!count)
        return;
    *data = realloc(*data, *size + count);
    assert(*data);
    memcpy(*data + *size, more, count);
    *size += count;
}

static void drop_front(uint8_t *data, size_t *size, size_t count) {
    memmove(data, data + count, *size - count);
    *size -= count;
}

static size_t record_length(const uint8_t *record) {
    return (size_t)record[0] << 8 | record[1];
}

static int fake_bio_write(void *bio, const void *data, int size) {
    struct fake_tls *tls = bio;
    append(&tls->in, &tls->in_size, data, (size_t)size);
    return size;
}

static int fake_bio_read(void *bio, void *data, int size) {
    struct fake_tls *tls = bio;
    size_t count = tls->out_size < (size_t)size ? tls->out_size : (size_t)size;
    if (!count)
        return -1;
    memcpy(data, tls->out, count);
    drop_front(tls->out, &tls->out_size, count);
    return (int)count;
}

static int fake_read(void *ssl, void *buffer, int room) {
    struct fake_tls *tls = ssl;
    if (tls->error)
        return -1;
    size_t length = tls->in_size >= 2 ? record_length(tls->in) : 0;
    if (tls->in_size < 2 || (length <= RECORD && tls->in_size < 2 + length)) {
        tls->error = 0;
        return -1;
    }
    if (!length || length > RECORD) {
        tls->error = length ? 1 : SSL_ERROR_ZERO_RETURN;
        append(&tls->out, &tls->out_size, ALERT, sizeof ALERT);
        return -1;
    }
    size_t count = length < (size_t)room ? length : (size_t)room;
    for (size_t i = 0; i < count; i++)
        ((uint8_t *)buffer)[i] = tls->in[2 + i] ^ TURNED;
    if (count == length) {
        drop_front(tls->in, &tls->in_size, 2 + length);
    } else {
        tls->in[count] = (uint8_t)((length - count) >> 8);
        tls->in[count + 1] = (uint8_t)(length - count);
        drop_front(tls->in, &tls->in_size, count);
    }
    return (int)count;
}

size_t fake_tls_seal(const uint8_t *data, size_t size, uint8_t *sealed) {
    size_t filled = 0;
    for (size_t given = 0; given < size;) {
        size_t part = size - given < RECORD ? size - given : RECORD;
        sealed[filled++] = (uint8_t)(part >> 8);
        sealed[filled++] = (uint8_t)part;
        for (size_t i = 0; i < part; i++)
            sealed[filled++] = data[given + i] ^ TURNED;
        given += part;
    }
    return filled;
}

static int fake_write(void *ssl, const void *data, int size) {
    struct fake_tls *tls = ssl;
    uint8_t sealed[RECORD + 2];
    size_t filled = fake_tls_seal(data, (size_t)size, sealed);
    append(&tls->out, &tls->out_size, sealed, filled);
    return size;
}

static int fake_get_error(const void *ssl, int count) {
    (void)count;
    const struct fake_tls *tls = ssl;
    return tls->error ? tls->error : SSL_ERROR_WANT_READ;
}

static void fake_clear_error(void) {}

void fake_tls_use(void) {
    struct openssl functions = {fake_read, fake_write, fake_get_error, fake_bio_read, fake_bio_write, fake_clear_error};
    leg_use_openssl(&functions);
}

void fake_tls_clear(struct fake_tls *tls) {
    free(tls->in);
    free(tls->out);
}

size_t fake_tls_open(uint8_t *data, size_t size) {
    size_t filled = 0, taken = 0;
    while (size - taken >= 2) {
        size_t length = memcmp(data + taken, ALERT, sizeof ALERT) ? record_length(data + taken) : 0;
        if (size - taken - 2 < length)
            break;
        for (size_t i = 0; i < length; i++)
            data[filled++] = data[taken + 2 + i] ^ TURNED;
        taken += 2 + length;
    }
    return filled;
}

void trial_open(struct trial *trial, bool secure_client, bool secure_service) {
    memset(trial, 0, sizeof *trial);
    for (int side = CLIENT; side <= SERVICE; side++) {
        int pair[2];
        int room = 4096;
        assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
        setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        trial->ends[side].ours = pair[0];
        trial->ends[side].peer = pair[1];
        trial->ends[side].secure = side == CLIENT ? secure_client : secure_service;
    }
}

void trial_lend(struct trial *trial, struct thread *thread, uint64_t id) {
    struct session *session = session_new();
    assert(session);
    session->id = id;
    session->replay.limit = 2000;
    for (int side = CLIENT; side <= SERVICE; side++) {
        struct leg *leg = &session->legs[side];
        struct end_of *end = &trial->ends[side];
        leg->fd = end->ours;
        if (end->secure) {
            leg->ssl = leg->incoming = leg->outgoing = &end->tls;
            leg->unread = 1;
        }
        leg->walker.masked = side == CLIENT ? 0x80 : 0;
    }
    if (trial->session) {
        for (int side = CLIENT; side <= SERVICE; side++) {
            struct leg *leg = &session->legs[side], *former = &trial->session->legs[side];
            leg->walker = former->walker;
            leg->bytes = former->bytes;
            memcpy(leg->held, former->held, former->held_size);
            leg->held_size = former->held_size;
        }
        session_free(trial->session);
    }
    trial->session = session;
    assert(!session_lend(session, thread));
}

void peer_sends(struct trial *trial, int side, const uint8_t *data, size_t size) {
    struct end_of *end = &trial->ends[side];
    uint8_t *sealed = malloc(size + 2 * (size / RECORD + 1));
    assert(sealed);
    size_t count = end->secure ? fake_tls_seal(data, size, sealed) : size;
    /* All or nothing: a part of a record would be the test's own affair. */
    int room = 0;
    socklen_t length = sizeof room;
    assert(!getsockopt(end->peer, SOL_SOCKET, SO_SNDBUF, &room, &length));
    ssize_t sent = end->sent_size < SENT_LIMIT ? send(end->peer, end->secure ? sealed : data, count, MSG_NOSIGNAL) : -1;
    if (sent > 0 && !end->secure)
        append(&end->sent, &end->sent_size, data, (size_t)sent);
    else if (sent == (ssize_t)count)
        append(&end->sent, &end->sent_size, data, size);
    free(sealed);
}

void peer_receives(struct trial *trial, int side, size_t most) {
    struct end_of *end = &trial->ends[side];
    uint8_t buffer[65536];
    while (most) {
        ssize_t count = recv(end->peer, buffer, most < sizeof buffer ? most : sizeof buffer, 0);
        if (count <= 0)
            return;
        append(&end->got, &end->got_size, buffer, (size_t)count);
        most -= (size_t)count;
    }
}

static bool under_way(const struct session *session) {
    for (int side = CLIENT; side <= SERVICE; side++) {
        const struct leg *leg = &session->legs[side];
        if (leg->kept || leg->tail || leg->end)
            return true;
    }
    return false;
}

void trial_recall(struct trial *trial, struct thread *thread) {
    if (trial->over)
        return;
    session_recall(trial->session);
    if (under_way(trial->session))
        trial->over = true;
    else
        trial_lend(trial, thread, trial->session->id);
}

/* All that came from a side is at the other's peer, kept for it, held back, or left over. */
static void check(struct trial *trial, int side) {
    struct end_of *from = &trial->ends[side], *to = &trial->ends[!side];
    const struct leg *source = &trial->session->legs[side], *target = &trial->session->legs[!side];
    bool failed = source->end == FAILED || target->end == FAILED;
    if (target->kept)
        append(&to->got, &to->got_size, target->kept + target->kept_taken, target->kept_size - target->kept_taken);
    if (to->secure)
        to->got_size = fake_tls_open(to->got, to->got_size);
    assert(to->got_size <= from->sent_size);
    assert(!to->got_size || !memcmp(to->got, from->sent, to->got_size));
    if (!failed)
        assert(to->got_size == source->bytes - source->held_size - source->tail_size);
}

void trial_close(struct trial *trial) {
    session_recall(trial->session);
    for (int side = CLIENT; side <= SERVICE; side++)
        peer_receives(trial, side, SIZE_MAX);
    for (int side = CLIENT; side <= SERVICE; side++)
        check(trial, side);
    session_free(trial->session);
    for (int side = CLIENT; side <= SERVICE; side++) {
        struct end_of *end = &trial->ends[side];
        close(end->ours);
        close(end->peer);
        fake_tls_clear(&end->tls);
        free(end->sent);
        free(end->got);
    }
}
