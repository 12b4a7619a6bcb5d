/* Follows the frame headers of one direction of a WebSocket connection (RFC 6455 section 5.2).
 *
 * The walker owns no bytes.  Of what arrived it lets pass all that is plainly allowed, never a part of a header.  At a
 * frame that may be illegal, beyond a limit, or a close frame it stops: the interpreter's reader judges it, in the same
 * state, and finds the words.  So this file has to be sure of what is right only, not of what is wrong.
 */
#ifndef APIML_WS_WALKER_H
#define APIML_WS_WALKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that is held back: a header (two bytes, eight of length, four of mask) that lacks its last byte. */
#define HELD_LIMIT 13
#define NOWHERE SIZE_MAX

struct walker {
    uint64_t left;        /* payload bytes that the frame under way still lacks */
    uint64_t message;     /* payload bytes of the message under way, without its last frame's */
    uint64_t frames;      /* frames and messages that began so far; a message counts by its last frame */
    uint64_t messages;
    uint64_t max_frame;   /* payload bytes, 0 for no limit */
    uint64_t max_message;
    uint8_t fragmented;   /* the message goes on after the frame under way, or after the last one */
    uint8_t masked;       /* 0x80 where frames have to be masked, else 0 */
    uint8_t reserved;     /* reserved bits that the first frame of a message may have */
};

struct walked {
    size_t passed;        /* bytes that may pass; what remains belongs in front of what arrives next */
    size_t message_end;   /* where the last message ends before which all messages are complete, or NOWHERE */
    bool stopped;         /* what remains is not the walker's to judge; it must not be fed again */
};

struct walked walk(struct walker *walker, const uint8_t *data, size_t size);

#endif
