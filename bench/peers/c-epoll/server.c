// The reference server: a hand-written, single-threaded, level-triggered epoll loop in C.
// It does the fewest system calls we know how to do: one recv and one send per readable
// event, and one epoll_wait per batch of events.
//
//   c-epoll PORT MODE [option...]      MODE: echo bulk line chat timeout, udp (udp.c)
//
// Options exist to price one design choice at a time ("extra" peers in peers.json):
//   drain    read until EAGAIN            et       edge-triggered (implies drain)
//   rw       read/write, not recv/send    perline  one send per line, no coalescing
//   defer    park the answer in a per-connection buffer, flush at the end of the iteration
//   mod      arm EPOLLOUT by epoll_ctl to send, disarm after (what evio does)
//   wait0    one epoll_wait(0) before every blocking epoll_wait
//   spin     never block: epoll_wait(0) only
//   clock    read the clock once per message (an eager timer), not once per iteration
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUF 65536
#define MAXFD 65536
#define IDLE_NS 30000000000LL

struct conn {
    int fd, idx;            // idx: position in all[]
    uint32_t events;        // what epoll is armed for
    int dirty;              // is in the flush list
    char *in; size_t inn;   // an unfinished line
    char *out; size_t on, ocap;
    int64_t last;           // last activity, for the idle timeout
};

static int ep, drain, et, rw, perline, defer_, mod, wait0, spin, eager;
static enum { ECHO, LINE, CHAT, TIMEOUT } mode;
static struct conn *conns[MAXFD], *all[MAXFD], *dirty[MAXFD];
static int nall, ndirty;
static int64_t now;
static char buf[BUF], lines[2 * BUF + 4096];

static int64_t nanos(void) {
    struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static void die(const char *s) { perror(s); exit(1); }

static void drop(struct conn *c) {
    close(c->fd);
    conns[c->fd] = NULL;
    all[c->idx] = all[--nall]; all[c->idx]->idx = c->idx;
    if (c->dirty) for (int i = 0; i < ndirty; i++) if (dirty[i] == c) dirty[i] = dirty[--ndirty];
    free(c->in); free(c->out); free(c);
}
static void arm(struct conn *c, uint32_t ev) {
    if (c->events == ev) return;
    c->events = ev;
    struct epoll_event e = {.events = ev | (et ? EPOLLET : 0), .data.fd = c->fd};
    if (epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e) < 0) die("epoll_ctl mod");
}
static void keep(struct conn *c, const char *p, size_t n) {
    if (c->on + n > c->ocap) {
        c->ocap = (c->on + n) * 2;
        if (!(c->out = realloc(c->out, c->ocap))) die("realloc");
    }
    memcpy(c->out + c->on, p, n); c->on += n;
}
// tx sends now, as much as goes; what is left waits for EPOLLOUT. Returns -1 when c is gone.
static int tx(struct conn *c, const char *p, size_t n) {
    ssize_t w = rw ? write(c->fd, p, n) : send(c->fd, p, n, MSG_NOSIGNAL);
    if (w < 0) { if (errno != EAGAIN) { drop(c); return -1; } w = 0; }
    if ((size_t)w < n) { keep(c, p + w, n - w); arm(c, EPOLLOUT); }  // no EPOLLIN: back-pressure
    return 0;
}
static int flush(struct conn *c) {
    ssize_t w = send(c->fd, c->out, c->on, MSG_NOSIGNAL);
    if (w < 0) { if (errno != EAGAIN) { drop(c); return -1; } w = 0; }
    c->on -= w;
    if (c->on) { memmove(c->out, c->out + w, c->on); arm(c, EPOLLOUT); return 0; }
    arm(c, EPOLLIN);
    if (c->ocap > 16384) { free(c->out); c->out = NULL; c->ocap = 0; }  // idle buffers are released
    return 0;
}
static void touch(struct conn *c) { if (!c->dirty) { c->dirty = 1; dirty[ndirty++] = c; } }

static int answer(struct conn *c, const char *p, size_t n) {
    if (mod) { keep(c, p, n); arm(c, EPOLLOUT); return 0; }
    if (defer_) { keep(c, p, n); touch(c); return 0; }
    if (c->on) { keep(c, p, n); return 0; }
    return tx(c, p, n);
}
static int on_lines(struct conn *c, char *p, size_t n) {
    size_t o = 0; char *nl;
    if (c->inn) {  // finish the line that the last read left unfinished
        if (!(nl = memchr(p, '\n', n))) {
            c->in = realloc(c->in, c->inn + n); memcpy(c->in + c->inn, p, n); c->inn += n; return 0;
        }
        size_t k = nl + 1 - p;
        c->in = realloc(c->in, c->inn + k); memcpy(c->in + c->inn, p, k); k += c->inn; c->inn = 0;
        if (mode == CHAT) { for (int i = 0; i < nall; i++) { keep(all[i], c->in, k); touch(all[i]); } }
        else { lines[o++] = '>'; lines[o++] = ' '; memcpy(lines + o, c->in, k); o += k; }
        n -= nl + 1 - p; p = nl + 1;
        free(c->in); c->in = NULL;
    }
    while (n && (nl = memchr(p, '\n', n))) {
        size_t k = nl + 1 - p;
        if (mode == CHAT) { for (int i = 0; i < nall; i++) { keep(all[i], p, k); touch(all[i]); } }
        else {
            lines[o++] = '>'; lines[o++] = ' '; memcpy(lines + o, p, k); o += k;
            if (perline) { if (answer(c, lines, o) < 0) return -1; o = 0; }
            else if (o > BUF + 2048) { if (answer(c, lines, o) < 0) return -1; o = 0; }
        }
        p += k; n -= k;
    }
    if (n) { c->in = malloc(n); memcpy(c->in, p, n); c->inn = n; }
    return o ? answer(c, lines, o) : 0;
}
static void on_readable(struct conn *c) {
    do {
        ssize_t n = rw ? read(c->fd, buf, BUF) : recv(c->fd, buf, BUF, 0);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) { drop(c); return; }
        c->last = eager ? nanos() : now;
        if (((mode == LINE || mode == CHAT) ? on_lines(c, buf, n) : answer(c, buf, n)) < 0) return;
    } while ((drain || et) && c->events == EPOLLIN);
}
static void on_accept(int ls) {
    for (int i = 0; i < 256; i++) {
        int fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
        if (fd < 0) return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct conn *c = calloc(1, sizeof *c);
        c->fd = fd; c->events = EPOLLIN; c->last = now; c->idx = nall; all[nall++] = c; conns[fd] = c;
        struct epoll_event e = {.events = EPOLLIN | (et ? EPOLLET : 0), .data.fd = fd};
        if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) < 0) die("epoll_ctl add");
    }
}
void udp(int port);  // udp.c

int main(int argc, char **argv) {
    if (argc < 3) { fprintf(stderr, "usage: c-epoll PORT MODE [option...]\n"); return 2; }
    const char *m = argv[2];
    if (!strcmp(m, "udp")) udp(atoi(argv[1]));
    mode = !strcmp(m, "line") ? LINE : !strcmp(m, "chat") ? CHAT : !strcmp(m, "timeout") ? TIMEOUT : ECHO;
    for (int i = 3; i < argc; i++) {
        const char *o = argv[i];
        if (!strcmp(o, "drain")) drain = 1; else if (!strcmp(o, "et")) et = 1;
        else if (!strcmp(o, "rw")) rw = 1; else if (!strcmp(o, "perline")) perline = 1;
        else if (!strcmp(o, "defer")) defer_ = 1; else if (!strcmp(o, "mod")) mod = 1;
        else if (!strcmp(o, "wait0")) wait0 = 1; else if (!strcmp(o, "spin")) spin = 1;
        else if (!strcmp(o, "clock")) eager = 1;
        else { fprintf(stderr, "unknown option %s\n", o); return 2; }
    }
    signal(SIGPIPE, SIG_IGN);
    int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(ls, (void *)&a, sizeof a) < 0 || listen(ls, 4096) < 0) die("listen");
    ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = ls}, ev[512];
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
    int64_t sweep = nanos();
    int busy = 0;
    for (;;) {
        int n = epoll_wait(ep, ev, 512, spin || (wait0 && busy) ? 0 : mode == TIMEOUT ? 1000 : -1);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        busy = n > 0;
        if (mode == TIMEOUT) {  // lazy timers: one clock read per iteration, one sweep per second
            now = nanos();
            if (now - sweep > 1000000000LL) {
                sweep = now;
                for (int i = nall - 1; i >= 0; i--) if (now - all[i]->last > IDLE_NS) drop(all[i]);
            }
        }
        for (int i = 0; i < n; i++) {
            if (ev[i].data.fd == ls) { on_accept(ls); continue; }
            struct conn *c = conns[ev[i].data.fd];
            if (!c) continue;
            if ((ev[i].events & EPOLLOUT) && c->on && flush(c) < 0) continue;
            if (ev[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) on_readable(c);
        }
        while (ndirty) { struct conn *c = dirty[--ndirty]; c->dirty = 0; if (c->on && c->events == EPOLLIN) flush(c); }
    }
}
