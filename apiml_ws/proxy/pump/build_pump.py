"""How the extension is built: the C files beside this one, and what Python sees of them (cffi's API mode)."""

from __future__ import annotations

from typing import Final

from cffi import FFI

_FOLDER: Final = "apiml_ws/proxy/pump"
_NAMES: Final = ("walker", "replay", "leg", "turns", "pump")

#: What Python uses of the headers; the compiler compares.
_DECLARATIONS: Final = """
struct walker {
    uint64_t left, message, frames, messages, max_frame, max_message;
    uint8_t fragmented, masked, reserved;
    ...;
};
struct leg {
    int fd;
    void *ssl, *incoming, *outgoing;
    uint8_t unread, end;
    struct walker walker;
    uint64_t bytes;
    int64_t seen;
    uint8_t held[...];
    uint8_t held_size;
    uint8_t *tail;
    uint32_t tail_size;
    uint8_t *kept;
    uint32_t kept_size, kept_taken, kept_sealed, kept_plain;
    int64_t took;
    ...;
};
struct replay {
    size_t limit;
    uint8_t *incomplete;
    size_t size, room;
    uint8_t cut;
    const uint8_t *flying;
    size_t flying_size, flying_end;
    uint64_t origin_left;
    uint8_t origin_fragmented;
    ...;
};
struct session {
    uint64_t id;
    int64_t patience;
    struct leg legs[2];
    struct replay replay;
    ...;
};
struct tally { uint64_t frames, messages, bytes; int64_t seen; };
struct openssl {
    int (*ssl_read)(void *, void *, int);
    int (*ssl_write)(void *, const void *, int);
    int (*ssl_get_error)(const void *, int);
    int (*bio_read)(void *, void *, int);
    int (*bio_write)(void *, const void *, int);
    void (*err_clear_error)(void);
};
enum end { OPEN, ENDED, FAILED, HUNG_UP };
#define HELD_LIMIT ...
#define NOWHERE ...

void leg_use_openssl(const struct openssl *);
struct pump *pump_new(void);
void pump_free(struct pump *);
int pump_descriptor(const struct pump *);
size_t pump_take(struct pump *, uint64_t *, size_t);
struct thread *thread_new(struct pump *);
void thread_run(struct thread *);
void thread_turn(struct thread *, int);
void thread_stop(struct thread *);
void thread_free(struct thread *);
struct session *session_new(void);
int session_lend(struct session *, struct thread *);
void session_recall(struct session *);
struct tally session_tally(const struct session *, int);
void session_free(struct session *);
void give_back(void);
void shorten_turns(int);
void *malloc(size_t);
struct walked { size_t passed, message_end; _Bool stopped; };
struct walked walk(struct walker *, const uint8_t *, size_t);
"""

ffibuilder = FFI()
ffibuilder.cdef(_DECLARATIONS)
ffibuilder.set_source(
    "apiml_ws.proxy.pump._pump",
    '#include <stdlib.h>\n#include "pump.h"\n#include "turns.h"',
    sources=[f"{_FOLDER}/{name}.c" for name in _NAMES],
    depends=[f"{_FOLDER}/{name}.h" for name in (*_NAMES, "tls")],
    include_dirs=[_FOLDER],
    define_macros=[("_GNU_SOURCE", None)],
    extra_compile_args=["-std=c11", "-O2"],
)
