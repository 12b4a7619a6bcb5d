/*
 * wsbench: a WebSocket echo server and load generator, small and fast enough that the
 * gateway between them is what gets measured.
 *
 *   wsbench echo  --port P [--host H] [--max-conns N]
 *   wsbench load  --url ws[s]://H:P/PATH --conns N --size BYTES --depth D --seconds S [--warmup S]
 *   wsbench churn --url ... --conns N --seconds S        open, one echo, closing handshake, again
 *   wsbench hold  --url ... --conns N --seconds S        open N sessions and keep them idle
 *
 * --rate R (load and churn): R messages, or R sessions, a second at even distances, whether or not earlier ones are
 * answered.  What is measured begins when a message was due, so that a gateway that stands still is not spared.  A
 * connection with MAX_DEPTH messages under way, or no free connection, is counted as "late" and not sent.
 *
 * load:  every connection keeps D binary messages of BYTES in flight; a reply triggers the next.
 * Output: one JSON object on standard output.  Exit status 0 only if every reply came back whole.
 * Options: --header 'Name: value' (repeatable), --verify (compare every echoed byte),
 *          --spread (bind outgoing connections to 127.0.0.2.. for more than 28k of them).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static void die(const char *what) {
    fprintf(stderr, "wsbench: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* ---- a growable byte queue ------------------------------------------------------------- */
typedef struct { uint8_t *data; size_t start, end, cap; } queue;

static uint8_t *queue_room(queue *q, size_t want) {
    if (q->cap - q->end < want) {
        size_t used = q->end - q->start;
        if (q->start) { memmove(q->data, q->data + q->start, used); q->start = 0; q->end = used; }
        if (q->cap - q->end < want) {
            size_t cap = q->cap ? q->cap : 4096;
            while (cap - q->end < want) cap *= 2;
            q->data = realloc(q->data, cap);
            if (!q->data) die("out of memory");
            q->cap = cap;
        }
    }
    return q->data + q->end;
}
static size_t queue_used(const queue *q) { return q->end - q->start; }
static void queue_drop(queue *q, size_t n) { q->start += n; if (q->start == q->end) q->start = q->end = 0; }
static void queue_free(queue *q) { free(q->data); memset(q, 0, sizeof *q); }

/* ---- connections ----------------------------------------------------------------------- */
enum { CONNECTING, TLS, UPGRADING, OPEN, CLOSING, DEAD };
#define MAX_DEPTH 256
typedef struct {
    int fd, state, index;
    SSL *ssl;
    queue in, out;
    int want_write;
    double sent[MAX_DEPTH];
    unsigned head, tail;
    uint64_t skip_payload;      /* bytes of the current reply's payload still to come */
    uint64_t payload_at;
    int in_payload, opcode;
    double opened_at;
} conn;

static int epfd;
static SSL_CTX *tls_ctx;

static void watch(conn *c, int writing) {
    if (writing == c->want_write) return;
    c->want_write = writing;
    struct epoll_event ev = { .events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c };
    epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &ev);
}

static ssize_t conn_read(conn *c, void *buf, size_t n) {
    if (!c->ssl) return read(c->fd, buf, n);
    int r = SSL_read(c->ssl, buf, (int)n);
    if (r > 0) return r;
    int e = SSL_get_error(c->ssl, r);
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) { errno = EAGAIN; return -1; }
    if (e == SSL_ERROR_ZERO_RETURN) return 0;
    errno = ECONNRESET;
    return -1;
}

static ssize_t conn_write(conn *c, const void *buf, size_t n) {
    if (!c->ssl) return send(c->fd, buf, n, MSG_NOSIGNAL);
    int r = SSL_write(c->ssl, buf, (int)n);
    if (r > 0) return r;
    int e = SSL_get_error(c->ssl, r);
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) { errno = EAGAIN; return -1; }
    errno = EPIPE;
    return -1;
}

static int conn_flush(conn *c) {
    while (queue_used(&c->out)) {
        ssize_t n = conn_write(c, c->out.data + c->out.start, queue_used(&c->out));
        if (n < 0) {
            if (errno == EAGAIN) { watch(c, 1); return 0; }
            return -1;
        }
        queue_drop(&c->out, n);
    }
    watch(c, 0);
    return 0;
}

static int conn_send(conn *c, const void *buf, size_t n) {
    memcpy(queue_room(&c->out, n), buf, n);
    c->out.end += n;
    return conn_flush(c);
}

static void nonblocking(int fd) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void raise_limits(void) {
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
}

/* ---- the echo server ------------------------------------------------------------------- */
static void accept_key(const char *key, size_t n, char out[32]) {
    uint8_t sha[20];
    char buf[128];
    memcpy(buf, key, n);
    memcpy(buf + n, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    SHA1((uint8_t *)buf, n + 36, sha);
    EVP_EncodeBlock((uint8_t *)out, sha, 20);
}

static int echo_upgrade(conn *c) {
    uint8_t *p = c->in.data + c->in.start;
    uint8_t *end = memmem(p, queue_used(&c->in), "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0;
    char *h = strcasestr((char *)p, "\r\nsec-websocket-key:");
    if (!h) return -1;
    h += 20;
    while (*h == ' ') h++;
    size_t n = strcspn(h, " \r\n");
    if (n > 64) return -1;
    char acc[32], resp[256];
    accept_key(h, n, acc);
    int len = snprintf(resp, sizeof resp, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", acc);
    queue_drop(&c->in, end + 4 - p);
    c->state = OPEN;
    return conn_send(c, resp, len);
}

static void unmask(uint8_t *p, uint64_t n, const uint8_t k[4]) {
    uint32_t k32;
    memcpy(&k32, k, 4);
    uint64_t k64 = (uint64_t)k32 << 32 | k32, i = 0;
    for (; i + 8 <= n; i += 8) { uint64_t v; memcpy(&v, p + i, 8); v ^= k64; memcpy(p + i, &v, 8); }
    for (; i < n; i++) p[i] ^= k[i & 3];
}

/* returns the header length, 0 if more bytes are needed */
static int frame_header(const uint8_t *p, size_t n, uint64_t *len, int *masked) {
    if (n < 2) return 0;
    *masked = p[1] >> 7;
    uint64_t l = p[1] & 127;
    int h = 2;
    if (l == 126) { if (n < 4) return 0; l = p[2] << 8 | p[3]; h = 4; }
    else if (l == 127) { if (n < 10) return 0; l = 0; for (int i = 0; i < 8; i++) l = l << 8 | p[2 + i]; h = 10; }
    if (*masked) h += 4;
    if (n < (size_t)h) return 0;
    *len = l;
    return h;
}

static int echo_frames(conn *c) {
    for (;;) {
        uint8_t *p = c->in.data + c->in.start;
        size_t n = queue_used(&c->in);
        uint64_t len;
        int masked, h = frame_header(p, n, &len, &masked);
        if (!h || n < h + len) return conn_flush(c);
        uint8_t *body = p + h;
        if (masked) unmask(body, len, body - 4);
        int op = p[0] & 15;
        uint8_t head[10];
        int hl = 2;
        head[0] = (p[0] & 0xf0) | (op == 9 ? 10 : op);
        if (len < 126) head[1] = len;
        else if (len < 65536) { head[1] = 126; head[2] = len >> 8; head[3] = len; hl = 4; }
        else { head[1] = 127; for (int i = 0; i < 8; i++) head[2 + i] = len >> (56 - 8 * i); hl = 10; }
        if (op != 10) {
            uint8_t *o = queue_room(&c->out, hl + len);
            memcpy(o, head, hl);
            memcpy(o + hl, body, len);
            c->out.end += hl + len;
        }
        queue_drop(&c->in, h + len);
        if (op == 8) { conn_flush(c); return -1; }
    }
}

static void conn_close(conn *c) {
    if (c->ssl) { SSL_free(c->ssl); c->ssl = NULL; }
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    queue_free(&c->in);
    queue_free(&c->out);
    c->state = DEAD;
}

static _Noreturn void echo_main(const char *host, int port) {
    int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    inet_pton(AF_INET, host, &a.sin_addr);
    if (bind(ls, (void *)&a, sizeof a) || listen(ls, 4096)) die("listen");
    conn listener = { .fd = ls };
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &listener }, evs[256];
    epoll_ctl(epfd, EPOLL_CTL_ADD, ls, &ev);
    fprintf(stderr, "wsbench: echo on %s:%d\n", host, port);
    for (;;) {
        int n = epoll_wait(epfd, evs, 256, -1);
        for (int i = 0; i < n; i++) {
            conn *c = evs[i].data.ptr;
            if (c == &listener) {
                int fd;
                while ((fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    conn *k = calloc(1, sizeof *k);
                    k->fd = fd;
                    k->state = UPGRADING;
                    nonblocking(fd);
                    struct epoll_event e = { .events = EPOLLIN, .data.ptr = k };
                    epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &e);
                }
                continue;
            }
            int bad = 0;
            if (evs[i].events & EPOLLOUT) bad = conn_flush(c) < 0;
            if (!bad && (evs[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
                /* do not read ahead of a client that does not read */
                if (queue_used(&c->out) < (4u << 20)) {
                    uint8_t *room = queue_room(&c->in, 65536);
                    ssize_t r = read(c->fd, room, 65536);
                    if (r == 0 || (r < 0 && errno != EAGAIN)) bad = 1;
                    else if (r > 0) {
                        c->in.end += r;
                        if (c->state == UPGRADING) bad = echo_upgrade(c) < 0;
                        if (!bad && c->state == OPEN) bad = echo_frames(c) < 0;
                        if (!bad && c->in.start == c->in.end && c->in.cap > 65536 * 4) queue_free(&c->in);
                    }
                }
            }
            if (bad) { conn_close(c); free(c); }
        }
    }
}

/* ---- the client side ------------------------------------------------------------------- */
static struct {
    char host[128], hostport[160], path[1024];
    int tls, port, conns, depth, verify, spread;
    size_t size;
    double seconds, warmup, rate;
    char headers[4096];
} opt;
static uint8_t *frame;          /* one masked binary frame, sent again and again */
static size_t frame_len;
static uint8_t *payload;
static struct sockaddr_in target;
static uint64_t messages, failures, bytes_back, opened_total, late;
static int measuring;

#define BUCKETS 4096
static uint64_t hist[BUCKETS];  /* log-scaled latency buckets, 1 us .. ~1 h */
#include <math.h>
static void record(double s) {
    int b = (int)(log2(s * 1e6 + 1) * 64);
    if (b < 0) b = 0;
    if (b >= BUCKETS) b = BUCKETS - 1;
    hist[b]++;
}
static double percentile(double q) {
    uint64_t total = 0, acc = 0;
    for (int i = 0; i < BUCKETS; i++) total += hist[i];
    for (int i = 0; i < BUCKETS; i++) { acc += hist[i]; if (acc >= q * total && acc) return exp2((i + 0.5) / 64) - 1; }
    return 0;
}

static void build_frame(void) {
    frame = malloc(opt.size + 14);
    payload = malloc(opt.size + 1);
    for (size_t i = 0; i < opt.size; i++) payload[i] = 'a' + i * 7 % 26;
    uint8_t key[4] = { 0x37, 0xfa, 0x21, 0x3d };
    int h = 2;
    frame[0] = 0x82;
    if (opt.size < 126) frame[1] = 128 | opt.size;
    else if (opt.size < 65536) { frame[1] = 254; frame[2] = opt.size >> 8; frame[3] = opt.size; h = 4; }
    else { frame[1] = 255; for (int i = 0; i < 8; i++) frame[2 + i] = (uint64_t)opt.size >> (56 - 8 * i); h = 10; }
    memcpy(frame + h, key, 4);
    memcpy(frame + h + 4, payload, opt.size);
    unmask(frame + h + 4, opt.size, key);
    frame_len = h + 4 + opt.size;
}

static void client_start(conn *c) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) die("socket");
    c->fd = fd;
    c->state = CONNECTING;
    c->head = c->tail = 0;
    c->in_payload = 0;
    c->want_write = 1;
    c->opened_at = now();
    nonblocking(fd);
    if (opt.spread) {
        struct sockaddr_in src = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002 + c->index / 20000) };
        int one = 1;
        setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
        bind(fd, (void *)&src, sizeof src);
    }
    if (connect(fd, (void *)&target, sizeof target) && errno != EINPROGRESS) die("connect");
    struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };
    epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev);
}

static int client_request(conn *c) {
    char req[8192];
    int n = snprintf(req, sizeof req,
        "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
        opt.path, opt.hostport, opt.headers);
    c->state = UPGRADING;
    return conn_send(c, req, n);
}

static int client_message(conn *c) {
    c->sent[c->head++ % MAX_DEPTH] = now();
    return conn_send(c, frame, frame_len);
}

static int churn, hold, open_conns;

static int client_frames(conn *c) {
    for (;;) {
        size_t n = queue_used(&c->in);
        if (!n) return 0;
        uint8_t *p = c->in.data + c->in.start;
        if (c->in_payload) {
            uint64_t take = n < c->skip_payload ? n : c->skip_payload;
            if (opt.verify && c->opcode <= 2 && memcmp(p, payload + c->payload_at, take)) { fprintf(stderr, "wsbench: a reply differs from what was sent\n"); return -1; }
            c->payload_at += take;
            c->skip_payload -= take;
            queue_drop(&c->in, take);
            if (c->skip_payload) return 0;
            c->in_payload = 0;
            if (c->opcode > 2) continue;
            if (c->payload_at != opt.size) { fprintf(stderr, "wsbench: a reply has %lu bytes, not %zu\n", (unsigned long)c->payload_at, opt.size); return -1; }
            double t = now();
            if (measuring) { messages++; bytes_back += opt.size; record(t - c->sent[c->tail % MAX_DEPTH]); }
            c->tail++;
            if (churn) {
                static const uint8_t bye[] = { 0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8 };
                c->state = CLOSING;
                if (conn_send(c, bye, sizeof bye) < 0) return -1;
            } else if (!opt.rate && client_message(c) < 0) return -1;
            continue;
        }
        uint64_t len;
        int masked, h = frame_header(p, n, &len, &masked);
        if (!h) return 0;
        c->opcode = p[0] & 15;
        if (c->opcode == 8) {
            if (c->state == CLOSING) return 1;
            fprintf(stderr, "wsbench: closed by the peer, code %d: %.*s\n", len >= 2 && n >= (size_t)h + 2 ? p[h] << 8 | p[h + 1] : 0,
                    (int)(len > 2 && n >= h + len ? len - 2 : 0), p + h + 2);
            return -1;
        }
        queue_drop(&c->in, h);
        c->in_payload = 1;
        c->skip_payload = len;
        c->payload_at = 0;
        if (!len && c->opcode <= 2 && opt.size) return -1;
        if (!len) { c->in_payload = 0; }
    }
}

static int client_event(conn *c, uint32_t events) {
    if (c->state == CONNECTING) {
        int err = 0;
        socklen_t l = sizeof err;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
        if (err) { errno = err; return -1; }
        if (opt.tls) {
            c->ssl = SSL_new(tls_ctx);
            SSL_set_fd(c->ssl, c->fd);
            SSL_set_connect_state(c->ssl);
            SSL_set_tlsext_host_name(c->ssl, opt.host);
            SSL_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
            c->state = TLS;
        } else return client_request(c);
    }
    if (c->state == TLS) {
        int r = SSL_do_handshake(c->ssl);
        if (r == 1) return client_request(c);
        int e = SSL_get_error(c->ssl, r);
        if (e == SSL_ERROR_WANT_READ) { watch(c, 0); return 0; }
        if (e == SSL_ERROR_WANT_WRITE) { watch(c, 1); return 0; }
        return -1;
    }
    if (events & EPOLLOUT && conn_flush(c) < 0) return -1;
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return 0;
    for (;;) {
        ssize_t r = conn_read(c, queue_room(&c->in, 65536), 65536);
        if (r < 0 && errno == EAGAIN) return 0;
        if (r <= 0) return c->state == CLOSING ? 1 : -1;
        c->in.end += r;
        if (c->state == UPGRADING) {
            uint8_t *p = c->in.data + c->in.start;
            uint8_t *end = memmem(p, queue_used(&c->in), "\r\n\r\n", 4);
            if (!end) continue;
            if (memcmp(p, "HTTP/1.1 101", 12)) { fprintf(stderr, "wsbench: refused: %.60s\n", p); return -1; }
            queue_drop(&c->in, end + 4 - p);
            c->state = OPEN;
            open_conns++;
            opened_total++;
            if (churn && client_message(c) < 0) return -1;
        }
        if (c->state == OPEN || c->state == CLOSING) {
            int k = client_frames(c);
            if (k) return k;
        }
        if (!c->ssl && r < 65536) return 0;
    }
}

/* ---- sending at a rate ----------------------------------------------------------------- */
static double next_due;
static int next_conn;

/* one message of a load, due at `due`, on the next connection in turn that has room for it */
static void paced_message(conn *cs, double due) {
    for (int tried = 0; tried < opt.conns; tried++) {
        conn *c = &cs[next_conn++ % opt.conns];
        if (c->state != OPEN || c->head - c->tail >= MAX_DEPTH) continue;
        c->sent[c->head++ % MAX_DEPTH] = due;
        if (conn_send(c, frame, frame_len) < 0) { failures++; conn_close(c); }
        return;
    }
    late++;
}

/* all that is due; how long until the next, in seconds */
static double pace(conn *cs, int *alive) {
    for (double t; (t = now()) >= next_due; next_due += 1 / opt.rate) {
        if (!churn) { paced_message(cs, next_due); continue; }
        int tried = 0;
        while (tried < opt.conns && cs[next_conn % opt.conns].state != DEAD) { next_conn++; tried++; }
        if (tried == opt.conns) { late++; continue; }
        client_start(&cs[next_conn++ % opt.conns]);
        ++*alive;
    }
    return next_due - now();
}

static int client_main(void) {
    conn *cs = calloc(opt.conns, sizeof *cs);
    struct epoll_event evs[512];
    build_frame();
    int started = 0, alive = 0, refill = 0;
    double began = now(), t0 = 0, t1 = 0, opened = 0;
    if (churn && opt.rate) {
        for (int i = 0; i < opt.conns; i++) { cs[i].index = i; cs[i].fd = -1; cs[i].state = DEAD; }
        started = opt.conns;
        next_due = began;
    }
    while (1) {
        /* at most 256 handshakes at once */
        while (started < opt.conns && started - open_conns - (int)failures < 256) {
            cs[started].index = started;
            client_start(&cs[started++]);
            alive++;
        }
        double t = now();
        if (!t0 && (open_conns + (int)failures >= opt.conns || (churn && started == opt.conns))) {
            opened = t - began;
            t0 = t + opt.warmup;
            t1 = t0 + opt.seconds;
            if (opt.rate) next_due = t;
            else if (!churn && !hold)
                for (int i = 0; i < opt.conns; i++)
                    for (int d = 0; d < opt.depth && cs[i].state == OPEN; d++) client_message(&cs[i]);
            if (hold) { printf("{\"open\": %d, \"failed\": %lu, \"seconds_to_open\": %.3f}\n", open_conns, (unsigned long)failures, opened); fflush(stdout); }
        }
        if (t0 && t >= t0 && !measuring) { measuring = 1; t0 = t; t1 = t + opt.seconds; }
        if (measuring && t >= t1) break;
        if (!alive && !(churn && opt.rate)) break;
        if (!t0 && t - began > 120) { fprintf(stderr, "wsbench: only %d of %d opened in 120 s\n", open_conns, opt.conns); break; }
        double wait = .1;
        if (opt.rate && t0 && (wait = pace(cs, &alive)) > .1) wait = .1;
        struct timespec patience = { .tv_nsec = wait > 0 ? (long)(wait * 1e9) : 0 };
        int n = epoll_pwait2(epfd, evs, 512, &patience, NULL);
        for (int i = 0; i < n; i++) {
            conn *c = evs[i].data.ptr;
            if (c->state == DEAD) continue;
            int r = client_event(c, evs[i].events);
            if (!r) continue;
            if (r < 0) failures++;
            conn_close(c);
            alive--;
            if (opt.rate) continue;
            if (churn && (r > 0 || refill)) { client_start(c); alive++; }
            else if (churn && failures < 1000) { client_start(c); alive++; }
        }
    }
    double spent = now() - t0;
    if (!measuring) spent = 1;
    if (hold) return failures != 0;
    printf("{\"messages_per_s\": %.0f, \"megabytes_per_s\": %.1f, \"p50_us\": %.0f, \"p90_us\": %.0f, \"p99_us\": %.0f, \"p999_us\": %.0f, "
           "\"messages\": %lu, \"failures\": %lu, \"late\": %lu, \"open\": %lu, \"seconds_to_open\": %.3f, \"seconds\": %.2f}\n",
           messages / spent, bytes_back / spent / 1e6, percentile(.5), percentile(.9), percentile(.99), percentile(.999),
           (unsigned long)messages, (unsigned long)failures, (unsigned long)late, (unsigned long)opened_total, opened, spent);
    return failures != 0 || !messages;
}

int main(int argc, char **argv) {
    if (argc < 2) { fprintf(stderr, "usage: wsbench echo|load|churn|hold [options], see the head of wsbench.c\n"); return 2; }
    const char *mode = argv[1], *host = "127.0.0.1", *url = NULL;
    int port = 9000;
    opt.conns = 1; opt.depth = 1; opt.size = 64; opt.seconds = 3; opt.warmup = 0.5;
    for (int i = 2; i < argc; i++) {
#define IS(n) (!strcmp(argv[i], n) && i + 1 < argc)
        if (IS("--port")) port = atoi(argv[++i]);
        else if (IS("--host")) host = argv[++i];
        else if (IS("--url")) url = argv[++i];
        else if (IS("--conns")) opt.conns = atoi(argv[++i]);
        else if (IS("--size")) opt.size = strtoull(argv[++i], NULL, 10);
        else if (IS("--depth")) opt.depth = atoi(argv[++i]);
        else if (IS("--seconds")) opt.seconds = atof(argv[++i]);
        else if (IS("--rate")) opt.rate = atof(argv[++i]);
        else if (IS("--warmup")) opt.warmup = atof(argv[++i]);
        else if (IS("--header")) { strncat(opt.headers, argv[++i], sizeof opt.headers - strlen(opt.headers) - 3); strcat(opt.headers, "\r\n"); }
        else if (!strcmp(argv[i], "--verify")) opt.verify = 1;
        else if (!strcmp(argv[i], "--spread")) opt.spread = 1;
        else { fprintf(stderr, "wsbench: unknown option %s\n", argv[i]); return 2; }
    }
    if (opt.depth > MAX_DEPTH) opt.depth = MAX_DEPTH;
    signal(SIGPIPE, SIG_IGN);
    raise_limits();
    epfd = epoll_create1(0);
    if (!strcmp(mode, "echo")) echo_main(host, port);
    if (!url) { fprintf(stderr, "wsbench: --url is missing\n"); return 2; }
    opt.tls = !strncmp(url, "wss://", 6);
    if (sscanf(url + (opt.tls ? 6 : 5), "%127[^:/]:%d%1023s", opt.host, &opt.port, opt.path) < 2) { fprintf(stderr, "wsbench: a URL is ws[s]://HOST:PORT/PATH\n"); return 2; }
    if (!opt.path[0]) strcpy(opt.path, "/");
    snprintf(opt.hostport, sizeof opt.hostport, "%s:%d", opt.host, opt.port);
    struct hostent *he = gethostbyname(opt.host);
    if (!he) die("host");
    target.sin_family = AF_INET;
    target.sin_port = htons(opt.port);
    memcpy(&target.sin_addr, he->h_addr_list[0], 4);
    if ((ntohl(target.sin_addr.s_addr) >> 24) != 127) { fprintf(stderr, "wsbench: only a loopback address can be a target\n"); return 2; }
    if (opt.tls) {
        tls_ctx = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_verify(tls_ctx, SSL_VERIFY_NONE, NULL);
    }
    churn = !strcmp(mode, "churn");
    hold = !strcmp(mode, "hold");
    if (!churn && !hold && strcmp(mode, "load")) { fprintf(stderr, "wsbench: no mode %s\n", mode); return 2; }
    return client_main();
}
