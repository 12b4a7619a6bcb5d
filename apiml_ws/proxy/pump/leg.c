#include "leg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

static struct openssl openssl;

void leg_use_openssl(const struct openssl *functions) {
    openssl = *functions;
}

/* As recv and send, but 0 for "not now" and -1 for "never again". */
static ssize_t taken(ssize_t count) {
    if (count >= 0)
        return count;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static size_t receive(struct leg *leg, uint8_t *buffer, size_t size) {
    ssize_t count = recv(leg->fd, buffer, size, 0);
    leg->more = count == (ssize_t)size || (count < 0 && errno == EINTR);
    if (count > 0)
        return (size_t)count;
    if (!count)
        /* Without close_notify it may be somebody else's cut (RFC 8446 section 6.1). */
        leg->end = leg->ssl ? FAILED : ENDED;
    else if (taken(count) < 0)
        leg->end = FAILED;
    return 0;
}

/* Keeps data[sent..], behind what is kept already; with whole, and when nothing is, all of data. */
static void keep(struct leg *leg, const uint8_t *data, size_t size, size_t sent, bool whole) {
    size_t skipped = whole && !leg->kept ? 0 : sent;
    uint8_t *grown = realloc(leg->kept, leg->kept_size + size - skipped);
    if (!grown) {
        leg->end = FAILED;
        return;
    }
    if (!leg->kept)
        leg->kept_taken = (uint32_t)(sent - skipped);
    memcpy(grown + leg->kept_size, data + skipped, size - skipped);
    leg->kept = grown;
    leg->kept_size += (uint32_t)(size - skipped);
}

static void push(struct leg *leg, const uint8_t *data, size_t size, bool whole, int64_t now) {
    size_t sent = 0;
    if (!leg->kept) {
        ssize_t count = taken(send(leg->fd, data, size, MSG_NOSIGNAL));
        if (count < 0)
            leg->end = FAILED;
        else
            sent = (size_t)count;
    }
    if (sent < size) {
        keep(leg, data, size, sent, whole);
        leg->took = now;
    }
}

/* What OpenSSL wants to send. */
static size_t take_sealed(struct leg *leg, uint8_t *buffer, size_t size) {
    int count = openssl.bio_read(leg->outgoing, buffer, (int)size);
    return count > 0 ? (size_t)count : 0;
}

/* What OpenSSL says of its own accord: key updates, alerts. */
static void speak(struct leg *leg, struct room *room, int64_t now) {
    size_t size = take_sealed(leg, room->sealed, SEALED_SIZE);
    if (size) {
        uint8_t end = leg->end;
        push(leg, room->sealed, size, true, now);
        /* A loss shows where it matters. */
        leg->end = end;
        if (leg->kept)
            leg->unheard += (uint32_t)size;
        /* It asks for more than it takes, or than anybody needs. */
        if (size > WORDS_LIMIT || leg->unheard > UNHEARD_LIMIT)
            leg->end = FAILED;
    }
}

/* Everything that OpenSSL can open now, behind what is in buffer[..filled] already; the new end of it. */
static size_t open_records(struct leg *leg, uint8_t *buffer, size_t filled) {
    leg->unread = 1;
    while (filled < PLAIN_SIZE - HELD_LIMIT) {
        int count = openssl.ssl_read(leg->ssl, buffer + filled, (int)(PLAIN_SIZE - HELD_LIMIT - filled));
        if (count > 0) {
            filled += (size_t)count;
            continue;
        }
        int error = openssl.ssl_get_error(leg->ssl, count);
        if (error == SSL_ERROR_WANT_READ) {
            leg->unread = 0;
            break;
        }
        openssl.err_clear_error();
        /* What came before the end is taken first; the end is met again. */
        if (!filled)
            leg->end = error == SSL_ERROR_ZERO_RETURN ? ENDED : FAILED;
        break;
    }
    return filled;
}

/* Record by record, so that the memory BIO of a leg never grows to the size of a read. */
static size_t open_raw(struct leg *leg, const uint8_t *raw, size_t size, uint8_t *buffer) {
    size_t filled = 0;
    for (size_t given = 0; given < size && !leg->unread;) {
        size_t part = size - given < RECORD ? size - given : RECORD;
        if (openssl.bio_write(leg->incoming, raw + given, (int)part) != (int)part) {
            leg->end = FAILED;
            break;
        }
        given += part;
        filled = open_records(leg, buffer, filled);
    }
    return filled;
}

static size_t read_tls(struct leg *leg, struct room *room, int64_t now) {
    uint8_t *buffer = room->plain + leg->held_size;
    size_t filled;
    if (leg->unread) {
        filled = open_records(leg, buffer, 0);
    } else {
        size_t size = receive(leg, room->raw, READ_SIZE);
        filled = open_raw(leg, room->raw, size, buffer);
    }
    speak(leg, room, now);
    return filled;
}

size_t leg_read(struct leg *leg, struct room *room, int64_t now) {
    uint8_t *buffer = room->plain + leg->held_size;
    size_t count = leg->ssl ? read_tls(leg, room, now) : receive(leg, buffer, READ_SIZE);
    if (!count)
        return 0;
    __atomic_store_n(&leg->bytes, leg->bytes + count, __ATOMIC_RELAXED);
    __atomic_store_n(&leg->seen, now, __ATOMIC_RELAXED);
    memcpy(room->plain, leg->held, leg->held_size);
    count += leg->held_size;
    leg->held_size = 0;
    return count;
}

/* All of data as records in room->sealed; 0 when OpenSSL refuses. */
static size_t seal(struct leg *leg, struct room *room, const uint8_t *data, size_t size) {
    size_t filled = 0;
    for (size_t given = 0; given < size;) {
        size_t part = size - given < RECORD ? size - given : RECORD;
        int count = openssl.ssl_write(leg->ssl, data + given, (int)part);
        if (count <= 0) {
            openssl.err_clear_error();
            return 0;
        }
        given += (size_t)count;
        filled += take_sealed(leg, room->sealed + filled, SEALED_SIZE - filled);
    }
    return filled;
}

void leg_send(struct leg *leg, struct room *room, const uint8_t *data, size_t size, bool whole, int64_t now) {
    if (!leg->ssl) {
        push(leg, data, size, whole, now);
        return;
    }
    size_t sealed = seal(leg, room, data, size);
    if (!sealed) {
        leg->end = FAILED;
        return;
    }
    push(leg, room->sealed, sealed, true, now);
    if (leg->kept) {
        leg->kept_sealed = (uint32_t)sealed;
        leg->kept_plain = (uint32_t)size;
    }
}

bool leg_flush(struct leg *leg, int64_t now) {
    ssize_t count = taken(send(leg->fd, leg->kept + leg->kept_taken, leg->kept_size - leg->kept_taken, MSG_NOSIGNAL));
    if (count < 0)
        leg->end = FAILED;
    else if (count > 0)
        leg->took = now;
    leg->kept_taken += count > 0 ? (uint32_t)count : 0;
    return leg->kept_taken == leg->kept_size;
}

void leg_forget(struct leg *leg) {
    free(leg->kept);
    leg->kept = NULL;
    leg->kept_size = leg->kept_taken = leg->kept_sealed = leg->kept_plain = leg->unheard = 0;
}
