// The reference for datagrams: as many as have come by one recvmmsg, their answers by one sendmmsg,
// and one epoll_wait before each.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BATCH 64
#define LONGEST 65536

static char bufs[BATCH][LONGEST];
static struct mmsghdr msgs[BATCH];
static struct iovec iovs[BATCH];
static struct sockaddr_in peers[BATCH];

static void die(const char *s) { perror(s); exit(1); }

static void answer(int fd) {
    for (int i = 0; i < BATCH; i++) {
        iovs[i] = (struct iovec){bufs[i], LONGEST};
        msgs[i].msg_hdr = (struct msghdr){.msg_name = &peers[i], .msg_namelen = sizeof peers[i], .msg_iov = &iovs[i], .msg_iovlen = 1};
    }
    int n = recvmmsg(fd, msgs, BATCH, MSG_DONTWAIT, NULL);
    if (n < 0 && errno != EAGAIN && errno != ECONNREFUSED) die("recvmmsg");
    for (int i = 0; i < n; i++) iovs[i].iov_len = msgs[i].msg_len;
    for (int sent = 0; sent < n;) {
        int k = sendmmsg(fd, msgs + sent, n - sent, 0);  // the one case in which it blocks: our send buffer is full
        if (k > 0) sent += k; else if (errno != ECONNREFUSED) die("sendmmsg");
    }
}

void udp(int port) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0), ep = epoll_create1(0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (void *)&a, sizeof a) < 0) die("bind");
    struct epoll_event e = {.events = EPOLLIN}, ev[8];
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) < 0) die("epoll_ctl");
    for (;;) {
        int n = epoll_wait(ep, ev, 8, -1);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        if (n > 0) answer(fd);
    }
}
