// SPDX-License-Identifier: GPL-2.0
/* What members connect to, and how that ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"

#define UNIX_PATH	"/tmp/selftest-socket"

static void connect_unix(int type, const char *path, size_t len)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, type, 0);

	memcpy(addr.sun_path, path, len);
	if (connect(sock, (void *)&addr, offsetof(struct sockaddr_un, sun_path) + len))
		scene->number = errno;
	close(sock);
}

static void connect_inet(int type, int family, const char *text, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int sock = socket(family, type, 0);

	inet_pton(AF_INET, text, &v4.sin_addr);
	inet_pton(AF_INET6, text, &v6.sin6_addr);
	connect(sock, family == AF_INET ? (void *)&v4 : (void *)&v6,
		family == AF_INET ? sizeof(v4) : sizeof(v6));
	close(sock);
}

static void connect_around(int sock)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	int dgram = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = UNIX_PATH };
	int server = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)sock;
	unlink(UNIX_PATH);
	if (bind(server, (void *)&addr, sizeof(addr)) || listen(server, 1))
		_exit(126);
	connect_unix(SOCK_STREAM, UNIX_PATH, strlen(UNIX_PATH) + 1);
	connect_unix(SOCK_STREAM, "/tmp/selftest-none", 19);
	connect_unix(SOCK_DGRAM, "\0abstract\n", 10);
	connect_inet(SOCK_DGRAM, AF_INET, "127.0.0.9", 53);
	connect_inet(SOCK_DGRAM, AF_INET6, "::1", 53);
	connect_inet(SOCK_DGRAM, AF_INET6, "::ffff:127.0.0.9", 53);
	connect_inet(SOCK_STREAM, AF_INET, "127.0.0.1", PORT_OTHER);
	/* It takes an address back; nobody is connected to. */
	connect(dgram, &nowhere, sizeof(nowhere));
	/* Nor by an address that is none for the socket. */
	connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&addr, sizeof(addr));
}

static void expect_connect(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self,
			   size_t n, int family, const char *name, size_t len, unsigned int error)
{
	const struct sshobs_connect *rec = nth(self, SSHOBS_CONNECT, n);
	char text[INET6_ADDRSTRLEN];

	ASSERT_NE(NULL, rec);
	EXPECT_EQ(family, rec->peer.family);
	EXPECT_EQ(error, rec->error);
	if (family == AF_UNIX) {
		EXPECT_EQ(len, rec->path_len);
		EXPECT_EQ(0, memcmp(name, rec->path, len));
		EXPECT_EQ(0U, rec->protocol);
		return;
	}
	EXPECT_EQ(0U, rec->path_len);
	EXPECT_STREQ(name, inet_ntop(family, rec->peer.addr, text, sizeof(text)));
}

TEST_F(member, each_connection_that_a_member_makes_is_told)
{
	const struct sshobs_connect *rec;
	size_t i;

	play(_metadata, self, connect_around);
	ASSERT_EQ(8U, count_of(self, SSHOBS_CONNECT));
	expect_connect(_metadata, self, 0, AF_UNIX, UNIX_PATH, strlen(UNIX_PATH), 0);
	expect_connect(_metadata, self, 1, AF_UNIX, "/tmp/selftest-none", 18, ENOENT);
	expect_connect(_metadata, self, 2, AF_UNIX, "\0abstract\n", 10, ECONNREFUSED);
	expect_connect(_metadata, self, 3, AF_INET, "127.0.0.9", 0, 0);
	expect_connect(_metadata, self, 4, AF_INET6, "::1", 0, 0);
	expect_connect(_metadata, self, 5, AF_INET, "127.0.0.9", 0, 0);
	expect_connect(_metadata, self, 6, AF_INET, "127.0.0.1", 0, 0);
	expect_connect(_metadata, self, 7, AF_INET, "127.0.0.1", 0, ECONNREFUSED);
	for (i = 0; i < 8; i++) {
		rec = nth(self, SSHOBS_CONNECT, i);
		EXPECT_EQ(i == 6 ? SSHOBS_CONNECT_BEGUN : 0, rec->flags);
		EXPECT_EQ(i == 6, !rec->duration_ns);
		if (i > 2) {
			EXPECT_EQ(i > 5 ? PORT_OTHER : 53, rec->peer.port);
			EXPECT_EQ(i > 5 ? IPPROTO_TCP : IPPROTO_UDP, (int)rec->protocol);
		}
	}
}

/* One that RFC 3692 leaves for experiments, and that has no name. */
#define PROTOCOL	253

static void connect_raw(int sock)
{
	const struct sockaddr_in addr = { AF_INET, 0, { htonl(INADDR_LOOPBACK) }, "" };

	sock = socket(AF_INET, SOCK_RAW, PROTOCOL);
	if (connect(sock, (const void *)&addr, sizeof(addr)))
		_exit(126);
	close(sock);
}

/* Its text, with the protocol's number, is compared as that of all records is. */
TEST_F(member, a_connect_of_another_protocol_has_its_number)
{
	const struct sshobs_connect *rec;

	play(_metadata, self, connect_raw);
	ASSERT_EQ(1U, count_of(self, SSHOBS_CONNECT));
	rec = nth(self, SSHOBS_CONNECT, 0);
	EXPECT_EQ(PROTOCOL, (int)rec->protocol);
	EXPECT_EQ(AF_INET, (int)rec->peer.family);
	EXPECT_EQ(0U, rec->error);
}

static void connect_to_other(int sock)
{
	const struct sockaddr_in addr = { AF_INET, htons(PORT_OTHER), { htonl(INADDR_LOOPBACK) }, "" };

	connect(sock, (const void *)&addr, sizeof(addr));
}

/* More than may be under way of a session. */
#define MPTCP_CONNECTS	40

static void connect_by_mptcp(int sock)
{
	int i;

	for (i = 0; i < MPTCP_CONNECTS; i++) {
		sock = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
		scene->number += sock >= 0;
		connect_to_other(sock);
		close(sock);
	}
	connect_inet(SOCK_STREAM, AF_INET, "127.0.0.1", PORT_OTHER);
}

TEST_F(member, mptcp_connections_that_are_refused_hold_nothing)
{
	const struct sshobs_connect *rec;
	const struct sshobs_end *end;
	size_t i, ended = 0;

	play(_metadata, self, connect_by_mptcp);
	if (!scene->number)
		SKIP(return, "this kernel has no MPTCP");
	ASSERT_EQ(MPTCP_CONNECTS, scene->number);
	EXPECT_LE(MPTCP_CONNECTS + 2U, count_of(self, SSHOBS_CONNECT));
	/* How they end is not known, and none is taken for one that has the same place in memory. */
	for (i = 0; i < count_of(self, SSHOBS_CONNECT); i++) {
		rec = nth(self, SSHOBS_CONNECT, i);
		ended += !(rec->flags & SSHOBS_CONNECT_BEGUN);
	}
	EXPECT_EQ(1U, ended);
	EXPECT_EQ(ECONNREFUSED, (int)rec->error);
	EXPECT_EQ(IPPROTO_TCP, (int)rec->protocol);
	end = body(log_find(&self->log, IN(SSHOBS_END, self->session)));
	EXPECT_EQ(0U, end->incomplete);
}

#define SLOW_PATH	"/tmp/selftest-slow"

/* The next one waits until this one was taken. */
static int fill_queue(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = SLOW_PATH };
	int server = socket(AF_UNIX, SOCK_STREAM, 0);

	unlink(SLOW_PATH);
	if (bind(server, (void *)&addr, sizeof(addr)) || listen(server, 0))
		_exit(126);
	connect_unix(SOCK_STREAM, SLOW_PATH, strlen(SLOW_PATH) + 1);
	return server;
}

static void connect_to_a_full_queue(int sock)
{
	int server = fill_queue();

	(void)sock;
	if (!born(0)) {
		usleep(200000);
		close(accept(server, NULL, NULL));
		leave(0);
	}
	connect_unix(SOCK_STREAM, SLOW_PATH, strlen(SLOW_PATH) + 1);
	wait(NULL);
}

TEST_F(member, the_time_inside_a_connect_is_told)
{
	const struct sshobs_connect *rec;

	play(_metadata, self, connect_to_a_full_queue);
	ASSERT_EQ(2U, count_of(self, SSHOBS_CONNECT));
	rec = nth(self, SSHOBS_CONNECT, 0);
	EXPECT_GT(100000000ULL, rec->duration_ns);
	rec = nth(self, SSHOBS_CONNECT, 1);
	EXPECT_LT(150000000ULL, rec->duration_ns);
}

static void do_nothing(int signal)
{
	(void)signal;
}

static void connect_until_a_signal_comes(int sock)
{
	const struct sigaction action = { .sa_handler = do_nothing };

	(void)sock;
	fill_queue();
	sigaction(SIGALRM, &action, NULL);
	ualarm(200000, 0);
	connect_unix(SOCK_STREAM, SLOW_PATH, strlen(SLOW_PATH) + 1);
}

/* Not the number by which the kernel tells itself to begin it anew. */
TEST_F(member, a_connect_that_a_signal_ends_is_told_as_it_is_to_its_caller)
{
	const struct sshobs_connect *rec;

	play(_metadata, self, connect_until_a_signal_comes);
	ASSERT_EQ(2U, count_of(self, SSHOBS_CONNECT));
	rec = nth(self, SSHOBS_CONNECT, 1);
	EXPECT_EQ(EINTR, scene->number);
	EXPECT_EQ(EINTR, (int)rec->error);
	EXPECT_LT(150000000ULL, rec->duration_ns);
}

/* --- TCP --------------------------------------------------------------------------------- */

/* Not watched; at the second one the queue of connections is full, and nobody answers. */
#define PORT_OPEN	4711
#define PORT_SILENT	4712
#define PORT_SHUT	4713
/* So many of one session are watched at the same time; more than that, and more sessions than may have so many. */
#define WATCHED		32
#define MANY		40
#define CROWD		33

static void be_silent(int family)
{
	int server = listen_on(family, PORT_SILENT);

	/* One may wait in a queue of none. */
	if (server < 0 || listen(server, 0) || connect_to(family, PORT_SILENT, NULL) < 0)
		_exit(126);
}

/* connect() of a new socket; with SOCK_NONBLOCK, it may go on after that. */
static int connect_tcp(int family, int flags, const char *host, uint16_t port, int result)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int sock = socket(family, SOCK_STREAM | flags, 0), one = 1;

	inet_pton(AF_INET, host, &v4.sin_addr);
	inet_pton(AF_INET6, host, &v6.sin6_addr);
	setsockopt(sock, IPPROTO_TCP, TCP_SYNCNT, &one, sizeof(one));
	errno = 0;
	connect(sock, family == AF_INET ? (void *)&v4 : (void *)&v6,
		family == AF_INET ? sizeof(v4) : sizeof(v6));
	if (errno != result)
		_exit(125);
	return sock;
}

static const char *host_of(int family)
{
	return family == AF_INET ? "127.0.0.1" : "::1";
}

/* A connect that goes on after the call, until it ends. */
static void connect_later(int family, uint16_t port, int result)
{
	int sock = connect_tcp(family, SOCK_NONBLOCK, host_of(family), port, EINPROGRESS);
	struct pollfd poll_fd = { .fd = sock, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int error;

	if (poll(&poll_fd, 1, 10000) != 1)
		_exit(124);
	if (getsockopt(sock, SOL_SOCKET, SO_ERROR, &error, &len) || error != result)
		_exit(123);
	close(sock);
}

static void connect_abandoned(int family)
{
	int sock = connect_tcp(family, SOCK_NONBLOCK, host_of(family), PORT_SILENT, EINPROGRESS);
	union {
		struct sockaddr_in	v4;
		struct sockaddr_in6	v6;
	} addr = {};

	/* This asks how it goes, and begins nothing. */
	if (family == AF_INET)
		addr.v4 = (struct sockaddr_in){ AF_INET, htons(PORT_SILENT), { htonl(INADDR_LOOPBACK) } };
	else
		addr.v6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6, .sin6_port = htons(PORT_SILENT),
			.sin6_addr = IN6ADDR_LOOPBACK_INIT,
		};
	if (!connect(sock, (void *)&addr, sizeof(addr)) || errno != EALREADY)
		_exit(122);
	usleep(200000);
	close(sock);
}

static void connect_all_ways(int family)
{
	int server = listen_on(family, PORT_OPEN);

	be_silent(family);
	close(connect_tcp(family, 0, host_of(family), PORT_OPEN, 0));
	connect_later(family, PORT_OPEN, 0);
	close(connect_tcp(family, 0, host_of(family), PORT_SHUT, ECONNREFUSED));
	connect_later(family, PORT_SHUT, ECONNREFUSED);
	close(connect_tcp(family, 0, host_of(family), PORT_SILENT, ETIMEDOUT));
	connect_later(family, PORT_SILENT, ETIMEDOUT);
	connect_abandoned(family);
	/* A group, to which there are no connections. */
	close(connect_tcp(family, 0, family == AF_INET ? "224.0.0.1" : "ff02::1", PORT_OPEN,
			  ENETUNREACH));
	close(server);
}

static void connect_all_ways_v4(int sock)
{
	(void)sock;
	connect_all_ways(AF_INET);
}

static void connect_all_ways_v6(int sock)
{
	(void)sock;
	connect_all_ways(AF_INET6);
}

struct ending {
	uint16_t	port;
	unsigned int	error;
	unsigned int	flags;
	unsigned int	min_ms;
	unsigned int	max_ms;
};

/* The nth connect has two records: its begin, and how it ended, by the same thread. */
static void expect_ending(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self, size_t n,
			  int family, const struct ending *ending)
{
	const struct sshobs_connect *begin = nth(self, SSHOBS_CONNECT, 2 * n);
	const struct sshobs_connect *end = nth(self, SSHOBS_CONNECT, 2 * n + 1);
	const struct sshobs_hdr *begin_hdr = (const struct sshobs_hdr *)begin - 1;
	const struct sshobs_hdr *end_hdr = (const struct sshobs_hdr *)end - 1;

	ASSERT_NE(NULL, begin);
	ASSERT_NE(NULL, end);
	EXPECT_EQ(SSHOBS_CONNECT_BEGUN, begin->flags);
	EXPECT_EQ(0U, begin->error);
	EXPECT_EQ(0ULL, begin->duration_ns);
	EXPECT_EQ(ending->error, end->error) TH_LOG("connect %zu", n);
	EXPECT_EQ(ending->flags, end->flags) TH_LOG("connect %zu", n);
	EXPECT_EQ(family, end->peer.family);
	EXPECT_EQ(ending->port, end->peer.port);
	EXPECT_EQ(IPPROTO_TCP, (int)end->protocol);
	EXPECT_EQ(0U, end->path_len);
	EXPECT_EQ(0, memcmp(&begin->peer, &end->peer, sizeof(begin->peer)));
	EXPECT_EQ(begin_hdr->time_ns, end_hdr->time_ns - end->duration_ns);
	EXPECT_LE(ending->min_ms * 1000000ULL, end->duration_ns) TH_LOG("connect %zu", n);
	EXPECT_GE(ending->max_ms * 1000000ULL, end->duration_ns) TH_LOG("connect %zu", n);
	EXPECT_EQ((__u32)scene->member[0].pid, end_hdr->pid);
	EXPECT_EQ((__u32)scene->member[0].pid, end_hdr->tid);
	EXPECT_STREQ(begin_hdr->comm, end_hdr->comm);
}

static void expect_all_ways(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self,
			    int family)
{
	/* One SYN is sent again, and given up one or two seconds later. */
	static const struct ending endings[] = {
		{ PORT_SILENT, 0, 0, 0, 1000 },
		{ PORT_OPEN, 0, 0, 0, 1000 },
		{ PORT_OPEN, 0, 0, 0, 1000 },
		{ PORT_SHUT, ECONNREFUSED, 0, 0, 1000 },
		{ PORT_SHUT, ECONNREFUSED, 0, 0, 1000 },
		{ PORT_SILENT, ETIMEDOUT, 0, 1000, 10000 },
		{ PORT_SILENT, ETIMEDOUT, 0, 1000, 10000 },
		{ PORT_SILENT, 0, SSHOBS_CONNECT_ABANDONED, 200, 1500 },
		{ PORT_OPEN, 0, SSHOBS_CONNECT_UNSENT, 0, 1000 },
	};
	size_t i;

	ASSERT_EQ(2 * sizeof(endings) / sizeof(endings[0]), count_of(self, SSHOBS_CONNECT));
	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		expect_ending(_metadata, self, i, family, &endings[i]);
}

TEST_F(member, how_a_TCP_connect_ended_is_told)
{
	play(_metadata, self, connect_all_ways_v4);
	expect_all_ways(_metadata, self, AF_INET);
}

TEST_F(member, how_a_TCP_connect_over_IPv6_ended_is_told)
{
	play(_metadata, self, connect_all_ways_v6);
	expect_all_ways(_metadata, self, AF_INET6);
}

/* As many as a session has watched, but for what comes to be silent. */
#define READ_SOCKS	31

/*
 * Ask for the error of one after the other, over and over, until it had one. By two processes:
 * where the network finds it out, it interrupts one of them.
 */
static void read_errors(const int *socks)
{
	socklen_t len = sizeof(int);
	int i, error;

	while ((i = __atomic_load_n(&scene->number, __ATOMIC_RELAXED)) < READ_SOCKS)
		if (!getsockopt(socks[i], SOL_SOCKET, SO_ERROR, &error, &len) && error)
			__atomic_store_n(&scene->number, i + 1, __ATOMIC_RELAXED);
}

static void connect_and_read_errors(uint16_t port)
{
	struct sockaddr_in addr = { AF_INET, htons(port), { htonl(INADDR_LOOPBACK) } };
	int socks[READ_SOCKS], one = 1, i;

	scene->number = 0;
	for (i = 0; i < READ_SOCKS; i++) {
		socks[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		setsockopt(socks[i], IPPROTO_TCP, TCP_SYNCNT, &one, sizeof(one));
	}
	if (!born(0)) {
		read_errors(socks);
		leave(0);
	}
	for (i = 0; i < READ_SOCKS; i++) {
		connect(socks[i], (void *)&addr, sizeof(addr));
		/* So do they fail. */
		usleep(10000);
	}
	read_errors(socks);
	wait(NULL);
	for (i = 0; i < READ_SOCKS; i++)
		close(socks[i]);
}

static void connect_and_read_all_errors(int sock)
{
	(void)sock;
	be_silent(AF_INET);
	connect_and_read_errors(PORT_SHUT);
	connect_and_read_errors(PORT_SILENT);
}

/* The socket forgets it then, and the network reports it only after that. */
TEST_F(member, the_error_of_a_connect_is_told_whoever_reads_it_first)
{
	const struct sshobs_connect *rec;
	unsigned int refused = 0, timed_out = 0, taken = 0;
	struct sshobs_probe probe;
	size_t i;

	play(_metadata, self, connect_and_read_all_errors);
	for (i = 0; i < count_of(self, SSHOBS_CONNECT); i++) {
		rec = nth(self, SSHOBS_CONNECT, i);
		refused += rec->error == ECONNREFUSED;
		timed_out += rec->error == ETIMEDOUT;
		taken += rec->flags == SSHOBS_CONNECT_UNSENT;
	}
	EXPECT_EQ(READ_SOCKS, refused);
	EXPECT_EQ(READ_SOCKS, timed_out + taken);
	if (probe_of(self->log.fd, "tcp_done_with_error", &probe) &&
	    probe.flags & SSHOBS_PROBE_ACTIVE)
		EXPECT_EQ(0U, taken);
}

/* What this host refused is told when the socket tries once more. */
static void connect_twice(int sock)
{
	struct sockaddr_in addr = { AF_INET, htons(PORT_OPEN), { htonl(INADDR_LOOPBACK) } };
	int server = listen_on(AF_INET, PORT_OPEN);

	(void)sock;
	sock = connect_tcp(AF_INET, 0, "224.0.0.1", PORT_SHUT, ENETUNREACH);
	if (connect(sock, (void *)&addr, sizeof(addr)))
		_exit(126);
	/* It is connected. */
	connect(sock, (void *)&addr, sizeof(addr));
	close(sock);
	close(server);
}

TEST_F(member, a_socket_that_connects_twice_tells_both)
{
	static const struct ending endings[] = {
		{ PORT_SHUT, 0, SSHOBS_CONNECT_UNSENT, 0, 1000 },
		{ PORT_OPEN, 0, 0, 0, 1000 },
	};

	play(_metadata, self, connect_twice);
	ASSERT_EQ(4U, count_of(self, SSHOBS_CONNECT));
	expect_ending(_metadata, self, 0, AF_INET, &endings[0]);
	expect_ending(_metadata, self, 1, AF_INET, &endings[1]);
}

static void connect_many(int sock)
{
	int i;

	(void)sock;
	scene->incomplete = SSHOBS_INCOMPLETE_UNWATCHED;
	be_silent(AF_INET);
	for (i = 0; i < MANY; i++)
		connect_tcp(AF_INET, SOCK_NONBLOCK, "127.0.0.1", PORT_SILENT, EINPROGRESS);
	/* All are open when it exits. */
}

TEST_F(member, of_many_TCP_connects_at_once_32_are_watched_until_their_process_is_gone)
{
	struct sshobs_stats stats;
	unsigned int abandoned = 0;
	ssize_t i = -1, exit, end;

	play(_metadata, self, connect_many);
	stats = stats_of(_metadata, self->log.fd);
	exit = log_index(&self->log, IN(SSHOBS_EXIT, self->session), 0);
	end = log_index(&self->log, IN(SSHOBS_END, self->session), 0);
	while ((i = log_index(&self->log, IN(SSHOBS_CONNECT, self->session), i + 1)) >= 0) {
		const struct sshobs_connect *rec = body(self->log.recs[i]);

		if (!(rec->flags & SSHOBS_CONNECT_ABANDONED))
			continue;
		abandoned++;
		EXPECT_LT(exit, i);
		EXPECT_GT(end, i);
		EXPECT_EQ((__u32)scene->member[0].pid, self->log.recs[i]->pid);
	}
	EXPECT_EQ((unsigned int)WATCHED, abandoned);
	EXPECT_EQ(MANY - WATCHED * 1ULL, stats.unwatched);
}

/* For two minutes. */
static void connect_for_long(void)
{
	int sock = connect_tcp(AF_INET, SOCK_NONBLOCK, "127.0.0.1", PORT_SILENT, EINPROGRESS);
	const int many = 6;

	setsockopt(sock, IPPROTO_TCP, TCP_SYNCNT, &many, sizeof(many));
}

static void connect_all_for_long(int sock)
{
	int i;

	for (i = 0; i < WATCHED; i++)
		connect_for_long();
	hello(sock);
	until_closed(hold);
}

static void serve_crowd(void)
{
	be_silent(AF_INET);
	serve_parts(listener, CROWD);
}

TEST_F(member, of_the_TCP_connects_of_all_sessions_1024_are_watched)
{
	struct sshobs_stats before = stats_of(_metadata, self->log.fd), after;
	int clients[CROWD], i;
	uint64_t sessions[CROWD];
	uint16_t port;

	part = connect_all_for_long;
	self->release = scene_start(AF_INET, serve_crowd, &self->server);
	for (i = 0; i < CROWD; i++) {
		clients[i] = connect_to(AF_INET, PORT, &port);
		ASSERT_EQ(1, read_byte(clients[i]));
		sessions[i] = log_wait_session(&self->log, port);
		ASSERT_NE(0ULL, sessions[i]);
	}
	after = stats_of(_metadata, self->log.fd);
	EXPECT_EQ(CROWD * WATCHED - 1024ULL, after.unwatched - before.unwatched);
	close(self->release);
	ASSERT_EQ(0, wait_for(self->server));
	for (i = 0; i < CROWD; i++) {
		EXPECT_EQ(i < CROWD - 1 ? 0U : SSHOBS_INCOMPLETE_UNWATCHED,
			  incomplete_of(&self->log, sessions[i])) TH_LOG("session %d", i);
		close(clients[i]);
	}
}

static void connect_and_wait(int sock)
{
	be_silent(AF_INET);
	connect_for_long();
	hello(sock);
	until_closed(hold);
}

/* What is still connecting then is freed; later, it ends without anybody who listens. */
TEST_F(member, the_module_unloads_while_a_member_connects)
{
	/* The members would hold it, too. */
	log_close(&self->log);
	part = connect_and_wait;
	self->release = scene_start(AF_INET, serve_part, &self->server);
	self->client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	ASSERT_EQ(1, read_byte(self->client));
	ASSERT_EQ(1, read_byte(self->client));
	/* Three are what comes to be silent, and the begin of what waits for it. */
	self->log.fd = records_open(O_NONBLOCK);
	ASSERT_LE(0, self->log.fd);
	self->session = log_wait_session(&self->log, scene->conn[0].port);
	ASSERT_TRUE(log_wait_count(&self->log, IN(SSHOBS_CONNECT, self->session), 3));
	ASSERT_TRUE(log_sync(&self->log));
	EXPECT_EQ(3U, count_of(self, SSHOBS_CONNECT));
	log_close(&self->log);
	EXPECT_EQ(0, module_unload());
	close(self->release);
	close(self->client);
	EXPECT_EQ(0, wait_for(self->server));
}

/* With an entry for each thread there is room for all of them in a session's 32. */
#define AT_ONCE_SOCKS	15

static int connecting;

static void connect_one_socket(void)
{
	connect_to_other(connecting);
}

/* To a server that does not answer: its queue has room for one. */
static void connect_in_threads(int sock)
{
	int server = listen_on(AF_INET, PORT_OTHER), socks[AT_ONCE_SOCKS], first, i;

	(void)sock;
	listen(server, 0);
	first = connect_to(AF_INET, PORT_OTHER, NULL);
	for (i = 0; i < AT_ONCE_SOCKS; i++) {
		socks[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connecting = socks[i];
		at_once(connect_one_socket);
	}
	/* Not before: the next one might have the same place in memory. */
	for (i = 0; i < AT_ONCE_SOCKS; i++)
		close(socks[i]);
	close(first);
	close(server);
}

TEST_F(member, threads_that_connect_one_socket_at_once_hold_nothing)
{
	const struct sshobs_end *end;

	let(_metadata, self, connect_in_threads);
	end = body(log_find(&self->log, IN(SSHOBS_END, self->session)));
	EXPECT_EQ(0U, end->incomplete);
}

SELFTEST_MAIN()
