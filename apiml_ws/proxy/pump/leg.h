/* One connection in the pump's hands: plain, or TLS by OpenSSL over two memory BIOs. */
#ifndef APIML_WS_LEG_H
#define APIML_WS_LEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls.h"
#include "walker.h"

/* The most that is read at once: large frames need large reads. */
#define READ_SIZE 262144
/* Plain bytes in a record of TLS (RFC 8446 section 5.1). */
#define RECORD 16384
/* A record that was not complete may come on top of a read; and what TLS adds to what is sent. */
#define PLAIN_SIZE (HELD_LIMIT + READ_SIZE + 2 * RECORD)
#define SEALED_SIZE (PLAIN_SIZE + 4 * RECORD)

/* As _WORDS and _UNHEARD of tls_wire.py: bytes of answers to what a peer asks of TLS itself. */
#define WORDS_LIMIT 32768
#define UNHEARD_LIMIT 65536

/* What a thread reads into and sends from, within one turn. */
struct room {
    uint8_t plain[PLAIN_SIZE];
    uint8_t raw[READ_SIZE];
    uint8_t sealed[SEALED_SIZE];
};

/* Why a leg is the interpreter's business again. */
enum end {
    OPEN,
    ENDED,    /* the peer sends no more, and all it sent was taken */
    FAILED,   /* the connection broke */
    HUNG_UP,  /* the peer sends no more, or the connection broke; something of it may be unread */
};

struct leg {
    int fd;
    uint32_t watched;     /* the pump's */
    void *ssl;            /* NULL without TLS */
    void *incoming;       /* what OpenSSL reads */
    void *outgoing;       /* what it wants to send */
    /* What comes from the peer. */
    struct walker walker;
    uint64_t bytes;       /* as on the wire of WebSocket, headers included */
    int64_t seen;         /* when something came last, CLOCK_MONOTONIC in nanoseconds */
    uint8_t *tail;        /* what is left of the input when the walker stopped, else NULL */
    uint32_t tail_size;
    uint8_t held[HELD_LIMIT];
    uint8_t held_size;
    uint8_t unread;       /* OpenSSL may have something though the descriptor does not say so */
    uint8_t more;         /* the descriptor may have more, of which it does not tell again */
    uint8_t end;          /* enum end */

    /* What goes to the peer, and the kernel did not take: kept[kept_taken..kept_size].  With TLS kept begins with a record,
     * and kept_sealed bytes of it are kept_plain bytes of plaintext; what follows is OpenSSL's own.  All of these are no
     * larger than a room, and an idle session is the smaller for that. */
    uint32_t kept_size;
    uint32_t kept_taken;
    uint32_t kept_sealed;
    uint32_t kept_plain;
    uint32_t unheard;     /* how much of it is OpenSSL's own */
    uint8_t *kept;
    int64_t took;         /* when the kernel took something last */

    /* The pump's. */
    struct session *session;
};

void leg_use_openssl(const struct openssl *functions);

/* Bytes that came, behind what was held back, at the front of room->plain; 0 for nothing, or when leg->end says why. */
size_t leg_read(struct leg *leg, struct room *room, int64_t now);

/* Sends, and keeps what the kernel does not take; whole: all of data, if it has to be kept in part.  FAILED shows in end.
 * Nothing may be kept already. */
void leg_send(struct leg *leg, struct room *room, const uint8_t *data, size_t size, bool whole, int64_t now);

/* Gives the kernel more of what is kept; true when nothing is left.  It is not forgotten until leg_forget. */
bool leg_flush(struct leg *leg, int64_t now);

void leg_forget(struct leg *leg);

#endif
