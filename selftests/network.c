// SPDX-License-Identifier: GPL-2.0
/*
 * The network's half of a login: handshakes, the clear text of the negotiation, and what
 * members log.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"

/* --- syn and accept ------------------------------------------------------------- */

/* The SYN of a client, by its port. */
static const struct sshobs_syn *syn_of(const struct log *log, uint16_t port)
{
	ssize_t i = -1;

	while ((i = log_index(log, WANT(.type = SSHOBS_SYN), i + 1)) >= 0) {
		const struct sshobs_syn *rec = body(log->recs[i]);

		if (rec->peer.port == port)
			return rec;
	}
	return NULL;
}

static const struct sshobs_accept *accept_of(struct log *log, uint16_t port)
{
	uint64_t session = log_wait_session(log, port);

	return session ? body(log_find(log, IN(SSHOBS_ACCEPT, session))) : NULL;
}

TEST_F(member, a_syn_is_told_before_the_connection_and_belongs_to_none)
{
	int server = listen_on(AF_INET, PORT), sock;
	const struct sshobs_established *established;
	const struct sshobs_syn *syn;
	const struct sshobs_hdr *hdr;
	uint16_t port;

	self->client = connect_to(AF_INET, PORT, &port);
	ASSERT_TRUE(log_sync(&self->log));
	EXPECT_EQ(0U, log_count(&self->log, WANT(.type = SSHOBS_ACCEPT)));
	hdr = log_find(&self->log, WANT(.type = SSHOBS_SYN));
	syn = syn_of(&self->log, port);
	ASSERT_NE(NULL, syn);
	EXPECT_EQ((const void *)syn, body(hdr));
	EXPECT_EQ(0U, hdr->pid);
	EXPECT_EQ(0U, hdr->tid);
	EXPECT_EQ(0ULL, hdr->session);
	EXPECT_EQ(0ULL, hdr->session_seq);
	EXPECT_EQ(0, hdr->comm[0]);
	expect_endpoint(_metadata, &syn->peer, AF_INET, port);
	expect_endpoint(_metadata, &syn->local, AF_INET, PORT);
	EXPECT_LT(0U, syn->window);
	EXPECT_LT(0U, syn->backlog_max);

	sock = accept(server, NULL, NULL);
	ASSERT_TRUE(log_sync(&self->log));
	self->session = log_wait_session(&self->log, port);
	established = body(log_find(&self->log, IN(SSHOBS_ESTABLISHED, self->session)));
	EXPECT_EQ(syn->peer_isn, established->peer_isn);
	EXPECT_GE(hdr->time_ns, established->syn_ns);
	EXPECT_GE(established->syn_ns + 1000000000, hdr->time_ns);
	close(sock);
	close(server);
}

TEST_F(member, the_accept_queue_is_told_by_syn_and_by_accept)
{
	int server = listen_on(AF_INET, PORT), client[3], i;
	uint16_t port[3];

	for (i = 0; i < 3; i++)
		client[i] = connect_to(AF_INET, PORT, &port[i]);
	usleep(20000);
	for (i = 0; i < 3; i++)
		close(accept(server, NULL, NULL));
	for (i = 0; i < 3; i++) {
		const struct sshobs_accept *rec = accept_of(&self->log, port[i]);

		ASSERT_NE(NULL, rec);
		EXPECT_EQ(2U - i, rec->backlog);
		EXPECT_LT(20000000ULL, rec->queue_ns);
		EXPECT_EQ((__u32)i, syn_of(&self->log, port[i])->backlog);
		close(client[i]);
	}
	close(server);
}

/* Begin a connection that nobody answers yet. */
static int begin_connect(uint16_t *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (!connect(sock, (void *)&addr, sizeof(addr)) || errno != EINPROGRESS)
		return -1;
	*port = port_of(sock);
	return sock;
}

TEST_F(member, syns_that_a_full_accept_queue_drops_are_told_and_counted)
{
	int server = listen_on(AF_INET, PORT), first, second;
	const struct sshobs_established *established;
	const struct sshobs_syn *syn;
	uint16_t port, other;

	/* Room for one: the kernel drops what finds more than so many. */
	ASSERT_EQ(0, listen(server, 0));
	first = connect_to(AF_INET, PORT, &other);
	second = begin_connect(&port);
	ASSERT_LE(0, second);
	ASSERT_TRUE(log_sync(&self->log));
	syn = syn_of(&self->log, other);
	ASSERT_NE(NULL, syn);
	EXPECT_EQ(0U, syn->backlog);
	syn = syn_of(&self->log, port);
	ASSERT_NE(NULL, syn);
	EXPECT_EQ(1U, syn->backlog);
	EXPECT_EQ(0U, syn->backlog_max);
	close(accept(server, NULL, NULL));
	/* It comes again in a second. */
	close(accept(server, NULL, NULL));
	ASSERT_NE(NULL, accept_of(&self->log, port));
	established = body(log_find(&self->log, IN(SSHOBS_ESTABLISHED,
						   log_wait_session(&self->log, port))));
	EXPECT_LT(1U, established->syns);
	EXPECT_EQ(established->syns - 1, established->syns_dropped);
	EXPECT_EQ(1U, established->backlog);
	EXPECT_EQ(0U, established->backlog_max);
	established = body(log_find(&self->log, IN(SSHOBS_ESTABLISHED,
						   log_wait_session(&self->log, other))));
	EXPECT_EQ(0U, established->syns_dropped);
	EXPECT_EQ(0U, established->backlog);
	close(first);
	close(second);
	close(server);
}

/* Connect and hang up, faster than SYNs may be told. */
static void hang_up(int server, unsigned int times)
{
	while (times--) {
		int client = connect_to(AF_INET, PORT, NULL);

		close(accept(server, NULL, NULL));
		close(client);
	}
}

TEST_F(member, a_flood_of_syns_is_counted_and_fills_no_ring)
{
	const unsigned int flood = 600;
	int server = listen_on(AF_INET, PORT);
	unsigned int told, suppressed = 0;
	struct sshobs_stats stats;
	ssize_t i = -1;
	uint64_t took;

	log_close(&self->log);
	ASSERT_EQ(0, module_reload(PORTS));
	ASSERT_TRUE(log_open(&self->log));
	took = now_ms();
	hang_up(server, flood);
	/* A slow machine needs longer than that for so many. */
	took = now_ms() - took;
	/* The next second's first one tells how many were not told. */
	usleep(1100000);
	hang_up(server, 1);
	ASSERT_TRUE(log_sync(&self->log));
	stats = stats_of(_metadata, self->log.fd);
	told = log_count(&self->log, WANT(.type = SSHOBS_SYN));
	while ((i = log_index(&self->log, WANT(.type = SSHOBS_SYN), i + 1)) >= 0)
		suppressed += ((const struct sshobs_syn *)body(self->log.recs[i]))->suppressed;
	EXPECT_EQ(flood + 1, stats.syns);
	EXPECT_EQ(flood + 1, stats.sessions_total);
	EXPECT_EQ(stats.syns, told + suppressed);
	EXPECT_EQ(stats.syns_suppressed, suppressed);
	EXPECT_TRUE(suppressed > 0 || took > flood * 10);
	EXPECT_GE(100 * (took / 1000 + 2) + 1, told);
	close(server);
}

TEST_F(member, a_server_that_slept_in_accept_before_the_module_is_seen)
{
	int server = listen_on(AF_INET, PORT);
	const struct sshobs_accept *rec;
	uint16_t port;
	pid_t pid;

	log_close(&self->log);
	ASSERT_EQ(0, module_unload());
	pid = fork();
	if (!pid) {
		int sock = accept(server, NULL, NULL);

		if (!fork()) {
			until_closed(sock);
			_exit(0);
		}
		close(sock);
		wait(NULL);
		_exit(0);
	}
	ASSERT_TRUE(wait_in_syscall(pid, SYS_accept));
	ASSERT_EQ(0, module_want(PORTS));
	ASSERT_TRUE(log_open(&self->log));
	self->client = connect_to(AF_INET, PORT, &port);
	rec = accept_of(&self->log, port);
	ASSERT_NE(NULL, rec);
	EXPECT_EQ(0U, rec->backlog);
	close(self->client);
	ASSERT_EQ(0, wait_for(pid));
	self->session = log_wait_session(&self->log, port);
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, self->session)));
	EXPECT_EQ(1U, count_of(self, SSHOBS_CLONE));
	close(server);
}

/* --- networks of their own ------------------------------------------------------- */

/* Log in to oneself, as it were, in a network of one's own, which a user may make, too. */
static pid_t log_in_alone(int namespaces)
{
	pid_t pid = fork();
	int server, client, sock;

	if (pid)
		return pid;
	if (namespaces & CLONE_NEWUSER ? !become_root_of_namespaces(namespaces) : unshare(namespaces))
		_exit(1);
	if (run_shell("ip link set lo up"))
		_exit(2);
	server = listen_on(AF_INET, PORT);
	client = connect_to(AF_INET, PORT, NULL);
	sock = accept(server, NULL, NULL);
	if (sock < 0 || client < 0)
		_exit(3);
	pid = fork();
	if (!pid)
		_exit(0);
	_exit(wait_for(pid));
}

TEST_F(member, a_network_of_a_user_namespace_has_no_logins)
{
	struct sshobs_stats before = stats_of(_metadata, self->log.fd), after;

	ASSERT_EQ(0, wait_for(log_in_alone(CLONE_NEWUSER | CLONE_NEWNET)));
	ASSERT_TRUE(log_sync(&self->log));
	/* The mark alone. */
	EXPECT_EQ(1U, self->log.count);
	after = stats_of(_metadata, self->log.fd);
	EXPECT_EQ(before.syns, after.syns);
	EXPECT_EQ(before.sessions_total, after.sessions_total);
	EXPECT_EQ(before.tasks_total, after.tasks_total);
}

TEST_F(member, a_network_that_the_host_made_has_logins)
{
	ASSERT_EQ(0, wait_for(log_in_alone(CLONE_NEWNET)));
	ASSERT_TRUE(log_sync(&self->log));
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_SYN)));
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_ACCEPT)));
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_CLONE)));
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_END)));
}

/* --- link-local addresses -------------------------------------------------------- */

#define LINK_LOCAL "fe80::5"

/* Such an address says little without the interface. */
static void expect_link_local(struct __test_metadata *_metadata, const struct sshobs_endpoint *end)
{
	struct in6_addr addr;

	inet_pton(AF_INET6, LINK_LOCAL, &addr);
	EXPECT_EQ(AF_INET6, end->family);
	EXPECT_EQ(0, memcmp(end->addr, &addr, sizeof(addr)));
	EXPECT_EQ(if_nametoindex("lo"), end->scope_id);
}

TEST_F(member, a_link_local_address_is_told_with_its_interface)
{
	struct sockaddr_in6 addr = {
		.sin6_family = AF_INET6, .sin6_port = htons(PORT), .sin6_scope_id = if_nametoindex("lo"),
	};
	int server = listen_on(AF_INET6, PORT), sock = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sshobs_established *established;
	const struct sshobs_accept *accepted;
	const struct sshobs_syn *syn;
	char text[SSHOBS_RECORD_MAX * 4], want[64];

	ASSERT_EQ(0, run_shell("ip address replace " LINK_LOCAL "/64 dev lo nodad"));
	inet_pton(AF_INET6, LINK_LOCAL, &addr.sin6_addr);
	ASSERT_EQ(0, connect(sock, (void *)&addr, sizeof(addr)));
	self->client = accept(server, NULL, NULL);
	accepted = accept_of(&self->log, port_of(sock));
	ASSERT_NE(NULL, accepted);
	expect_link_local(_metadata, &accepted->peer);
	expect_link_local(_metadata, &accepted->local);
	self->session = log_wait_session(&self->log, port_of(sock));
	established = body(log_find(&self->log, IN(SSHOBS_ESTABLISHED, self->session)));
	expect_link_local(_metadata, &established->peer);
	syn = syn_of(&self->log, port_of(sock));
	ASSERT_NE(NULL, syn);
	expect_link_local(_metadata, &syn->peer);
	expect_link_local(_metadata, &syn->local);
	sshobs_text(log_find(&self->log, WANT(.type = SSHOBS_SYN)), text, sizeof(text));
	snprintf(want, sizeof(want), " peer=[" LINK_LOCAL "%%%u]:%u ", addr.sin6_scope_id, port_of(sock));
	EXPECT_NE(NULL, strstr(text, want)) TH_LOG("%s", text);
	EXPECT_TRUE(log_is_text_of_device(&self->log));
	close(sock);
	close(server);
	EXPECT_EQ(0, run_shell("ip address del " LINK_LOCAL "/64 dev lo"));
}

/* --- MPTCP ------------------------------------------------------------------------ */

/* What comes of a client that speaks a protocol to a server that speaks MPTCP. */
static uint64_t untracked_by(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self,
			     int server, int protocol)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	uint64_t before = stats_of(_metadata, self->log.fd).sessions_untracked;
	int client = socket(AF_INET, SOCK_STREAM, protocol), sock;
	char byte;

	EXPECT_EQ(0, connect(client, (void *)&addr, sizeof(addr)));
	EXPECT_EQ(1, write(client, "x", 1));
	sock = accept(server, NULL, NULL);
	EXPECT_EQ(1, read(sock, &byte, 1));
	close(sock);
	close(client);
	EXPECT_TRUE(log_sync(&self->log));
	return stats_of(_metadata, self->log.fd).sessions_untracked - before;
}

TEST_F(member, clients_that_come_by_mptcp_are_counted_and_those_that_fall_back_are_followed)
{
	int server = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), one = 1;
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	if (server < 0)
		SKIP(return, "this kernel has no MPTCP");
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ASSERT_EQ(0, bind(server, (void *)&addr, sizeof(addr)));
	ASSERT_EQ(0, listen(server, 8));
	EXPECT_EQ(0ULL, untracked_by(_metadata, self, server, IPPROTO_TCP));
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_ACCEPT)));
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_END)));
	EXPECT_EQ(1ULL, untracked_by(_metadata, self, server, IPPROTO_MPTCP));
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_ACCEPT)));
	EXPECT_EQ(2U, log_count(&self->log, WANT(.type = SSHOBS_SYN)));
	close(server);

	/* By MPTCP to a server that does not speak it is by TCP. */
	server = listen_on(AF_INET, PORT);
	EXPECT_EQ(0ULL, untracked_by(_metadata, self, server, IPPROTO_MPTCP));
	EXPECT_EQ(2U, log_count(&self->log, WANT(.type = SSHOBS_ACCEPT)));
	EXPECT_EQ(2U, log_count(&self->log, WANT(.type = SSHOBS_END)));
	close(server);
}

/* --- wire ------------------------------------------------------------------------- */

#define KEXINIT		20
#define NEWKEYS		21
#define SECRET		"what is encrypted is nobody's business"

/* One side's words, sent in pieces; the other side reads them in pieces of its own. */
struct words {
	char	bytes[80000];
	size_t	len;
};

static void say(struct words *words, const void *bytes, size_t len)
{
	memcpy(words->bytes + words->len, bytes, len);
	words->len += len;
}

/* A packet with a payload of @size bytes, the first of which is its number. */
static void say_message(struct words *words, unsigned char message, size_t size)
{
	unsigned char head[6] = { 0, 0, (size + 5) >> 8, (size + 5) & 255, 4, message };
	size_t i;

	say(words, head, sizeof(head));
	for (i = 1; i < size + 4; i++)
		words->bytes[words->len++] = 'a' + i % 26;
}

/* Send in pieces of @step bytes, and wait for the reader after each. */
static void send_all(int sock, const struct words *words, size_t step, int reader, size_t read_step)
{
	static char sink[80000];
	size_t at = 0, got = 0;

	while (at < words->len) {
		size_t n = words->len - at < step ? words->len - at : step;

		if (write(sock, words->bytes + at, n) != (ssize_t)n)
			abort();
		at += n;
		while (got < at) {
			ssize_t r = read(reader, sink, at - got < read_step ? at - got : read_step);

			if (r <= 0)
				abort();
			got += r;
		}
	}
}

/* A connection of which both ends are here: clear text is of the socket, not of a task. */
struct talk {
	int		server, client, sock;
	uint64_t	session;
};

static struct talk talk_begin(struct __test_metadata *_metadata, struct log *log)
{
	struct talk talk = { .server = listen_on(AF_INET, PORT) };
	int one = 1;
	uint16_t port;

	talk.client = connect_to(AF_INET, PORT, &port);
	talk.sock = accept(talk.server, NULL, NULL);
	setsockopt(talk.client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(talk.sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	talk.session = log_wait_session(log, port);
	EXPECT_NE(0ULL, talk.session);
	return talk;
}

static void talk_end(struct log *log, const struct talk *talk)
{
	close(talk->client);
	close(talk->sock);
	close(talk->server);
	log_wait(log, IN(SSHOBS_END, talk->session));
	log_sync(log);
}

/* The next record of one direction from an index on; -1: there is none. */
static ssize_t next_wire(const struct log *log, uint64_t session, int direction, ssize_t i)
{
	while ((i = log_index(log, IN(SSHOBS_WIRE, session), i + 1)) >= 0)
		if (((const struct sshobs_wire *)body(log->recs[i]))->direction == direction)
			return i;
	return -1;
}

/* All that was told of a direction is what was said, up to @clear bytes, and no more. */
static unsigned int expect_words(struct __test_metadata *_metadata, const struct log *log,
				 uint64_t session, int direction, const struct words *words,
				 size_t clear)
{
	unsigned int records = 0;
	ssize_t i = -1;
	size_t at = 0;

	while ((i = next_wire(log, session, direction, i)) >= 0) {
		const struct sshobs_wire *rec = body(log->recs[i]);

		records++;
		EXPECT_EQ(at, rec->offset);
		ASSERT_GE(clear, rec->offset + rec->data_len);
		EXPECT_EQ(0, memcmp(rec->data, words->bytes + rec->offset, rec->data_len));
		EXPECT_LT(0ULL, rec->net_ns);
		EXPECT_GE(log->recs[i]->time_ns, rec->net_ns);
		at = rec->offset + rec->data_len;
	}
	EXPECT_EQ(clear, at);
	return records;
}

/* A version, a KEXINIT, a NEWKEYS, and then what nobody may see. */
static size_t say_hello(struct words *words)
{
	size_t clear;

	words->len = 0;
	say(words, "SSH-2.0-selftest\r\n", 18);
	say_message(words, KEXINIT, 1000);
	say_message(words, NEWKEYS, 1);
	clear = words->len;
	say(words, SECRET, strlen(SECRET));
	return clear;
}

FIXTURE(wire) {
	struct log	log;
	struct talk	talk;
};

FIXTURE_VARIANT(wire) {
	size_t	send, receive;
};

/* All at once; as sshd reads a version; byte by byte; across the borders of messages. */
FIXTURE_VARIANT_ADD(wire, at_once) { .send = 80000, .receive = 80000 };
FIXTURE_VARIANT_ADD(wire, read_byte_by_byte) { .send = 80000, .receive = 1 };
FIXTURE_VARIANT_ADD(wire, across_borders) { .send = 7, .receive = 80000 };
FIXTURE_VARIANT_ADD(wire, across_other_borders) { .send = 500, .receive = 33 };

FIXTURE_SETUP(wire)
{
	clean_start();
	ASSERT_EQ(0, module_want(PORTS));
	ASSERT_TRUE(log_open(&self->log));
	self->talk = talk_begin(_metadata, &self->log);
}

FIXTURE_TEARDOWN(wire)
{
	EXPECT_TRUE(log_is_text_of_device(&self->log));
	if (!_metadata->passed)
		log_print(&self->log, self->talk.session);
	log_close(&self->log);
}

TEST_F(wire, is_told_up_to_newkeys_in_both_directions_and_not_a_byte_more)
{
	static struct words words;
	const struct sshobs_wire *rec;
	unsigned int in, out, i;
	size_t clear;
	ssize_t at;

	clear = say_hello(&words);
	send_all(self->talk.client, &words, variant->send, self->talk.sock, variant->receive);
	send_all(self->talk.sock, &words, variant->send, self->talk.client, variant->receive);
	talk_end(&self->log, &self->talk);
	in = expect_words(_metadata, &self->log, self->talk.session, SSHOBS_WIRE_IN, &words, clear);
	out = expect_words(_metadata, &self->log, self->talk.session, SSHOBS_WIRE_OUT, &words,
			   clear);
	for (i = 0; i < self->log.count; i++) {
		EXPECT_EQ(NULL, memmem(self->log.recs[i], self->log.recs[i]->len, SECRET, 8));
	}
	if (variant->send != 80000)
		return;
	/* The line and the two messages, each in one record. */
	EXPECT_EQ(3U, in);
	EXPECT_EQ(3U, out);
	at = next_wire(&self->log, self->talk.session, SSHOBS_WIRE_IN, -1);
	rec = body(self->log.recs[at]);
	EXPECT_EQ(SSHOBS_WIRE_WHOLE, rec->flags);
	EXPECT_EQ(0, rec->message);
	EXPECT_EQ((__u32)getpid(), self->log.recs[at]->pid);
	at = next_wire(&self->log, self->talk.session, SSHOBS_WIRE_IN, at);
	rec = body(self->log.recs[at]);
	EXPECT_EQ(SSHOBS_WIRE_WHOLE, rec->flags);
	EXPECT_EQ(KEXINIT, rec->message);
	EXPECT_EQ(4U + 1005, rec->message_len);
	at = next_wire(&self->log, self->talk.session, SSHOBS_WIRE_IN, at);
	rec = body(self->log.recs[at]);
	EXPECT_EQ(NEWKEYS, rec->message);
	EXPECT_EQ(SSHOBS_WIRE_WHOLE | SSHOBS_WIRE_LAST, rec->flags);
}

static unsigned int last_flags(const struct log *log, uint64_t session, int direction)
{
	unsigned int flags = 0;
	ssize_t i = -1;

	while ((i = next_wire(log, session, direction, i)) >= 0)
		flags = ((const struct sshobs_wire *)body(log->recs[i]))->flags;
	return flags;
}

TEST_F(member, a_peer_that_does_not_speak_SSH_is_told_as_such)
{
	struct talk talk = talk_begin(_metadata, &self->log);
	static struct words words;

	words.len = 0;
	say(&words, "SSH-2.0-liar\n", 13);
	say(&words, "GET / HTTP/1.1\r\n\r\n", 18);
	send_all(talk.client, &words, 80000, talk.sock, 80000);
	/* Nothing after that is looked at. */
	send_all(talk.client, &(struct words){ "more", 4 }, 80000, talk.sock, 80000);
	talk_end(&self->log, &talk);
	self->session = talk.session;
	expect_words(_metadata, &self->log, talk.session, SSHOBS_WIRE_IN, &words, words.len);
	EXPECT_EQ(SSHOBS_WIRE_FOREIGN, last_flags(&self->log, talk.session, SSHOBS_WIRE_IN));
	EXPECT_EQ(0U, incomplete_of(&self->log, talk.session));
}

TEST_F(member, lines_without_end_are_told_up_to_the_bound)
{
	struct talk talk = talk_begin(_metadata, &self->log);
	static struct words words;
	ssize_t i = -1;
	size_t told = 0;

	for (words.len = 0; words.len < SSHOBS_WIRE_BYTES_MAX + 4000;)
		say(&words, "a line of a server that does not come to the point\n", 51);
	send_all(talk.client, &words, 1000, talk.sock, 80000);
	talk_end(&self->log, &talk);
	self->session = talk.session;
	while ((i = next_wire(&self->log, talk.session, SSHOBS_WIRE_IN, i)) >= 0)
		told += ((const struct sshobs_wire *)body(self->log.recs[i]))->data_len;
	EXPECT_LT(0U, told);
	EXPECT_GE((size_t)SSHOBS_WIRE_BYTES_MAX, told);
	EXPECT_GE(SSHOBS_WIRE_RECORDS_MAX + 1U, log_count(&self->log, IN(SSHOBS_WIRE, talk.session)));
	EXPECT_EQ(SSHOBS_WIRE_CUT, last_flags(&self->log, talk.session, SSHOBS_WIRE_IN));
	EXPECT_EQ(SSHOBS_INCOMPLETE_WIRE, incomplete_of(&self->log, talk.session));
}

TEST_F(member, the_last_words_before_a_close_are_told)
{
	struct talk talk = talk_begin(_metadata, &self->log);
	static struct words words;

	words.len = 0;
	say(&words, "Not allowed at this time\r\n", 26);
	ASSERT_EQ(26, write(talk.sock, words.bytes, 26));
	talk_end(&self->log, &talk);
	self->session = talk.session;
	expect_words(_metadata, &self->log, talk.session, SSHOBS_WIRE_OUT, &words, 26);
}

/* As a server reads the version of who speaks TLS to it: byte by byte, up to a NUL. */
TEST_F(member, what_was_read_of_a_line_that_never_ends_is_told_at_the_close)
{
	static struct words words = { "\x16\x03\x01\x02\x00\x01 and so on", 17 };
	struct talk talk = talk_begin(_metadata, &self->log);
	char byte;
	int i;

	ASSERT_EQ(17, write(talk.client, words.bytes, 17));
	for (i = 0; i < 5; i++)
		ASSERT_EQ(1, read(talk.sock, &byte, 1));
	close(talk.sock);
	talk.sock = -1;
	talk_end(&self->log, &talk);
	self->session = talk.session;
	expect_words(_metadata, &self->log, talk.session, SSHOBS_WIRE_IN, &words, 5);
	EXPECT_EQ(0U, last_flags(&self->log, talk.session, SSHOBS_WIRE_IN));
	EXPECT_EQ(0U, incomplete_of(&self->log, talk.session));
}

/* The end of what the client says takes a number as a byte does, and is none. */
TEST_F(member, what_was_read_up_to_the_end_of_all_is_told_once)
{
	static struct words words = { "no line", 7 };
	struct talk talk = talk_begin(_metadata, &self->log);
	char bytes[64];

	ASSERT_EQ(7, write(talk.client, words.bytes, 7));
	shutdown(talk.client, SHUT_WR);
	ASSERT_EQ(3, read(talk.sock, bytes, 3));
	ASSERT_EQ(4, read(talk.sock, bytes, sizeof(bytes)));
	ASSERT_EQ(0, read(talk.sock, bytes, sizeof(bytes)));
	talk_end(&self->log, &talk);
	self->session = talk.session;
	expect_words(_metadata, &self->log, talk.session, SSHOBS_WIRE_IN, &words, 7);
	EXPECT_EQ(0U, incomplete_of(&self->log, talk.session));
}

/* As of a port scan: it is answered by a reset. */
TEST_F(member, what_a_client_was_sent_that_was_gone_is_told)
{
	struct talk talk = talk_begin(_metadata, &self->log);
	static struct words words;
	char bytes[64];

	words.len = 0;
	say(&words, "SSH-2.0-selftest\r\n", 18);
	close(talk.client);
	ASSERT_EQ(0, read(talk.sock, bytes, sizeof(bytes)));
	ASSERT_EQ(18, write(talk.sock, words.bytes, 18));
	usleep(100000);
	ASSERT_EQ(-1, send(talk.sock, words.bytes, 18, MSG_NOSIGNAL));
	talk.client = -1;
	talk_end(&self->log, &talk);
	self->session = talk.session;
	expect_words(_metadata, &self->log, talk.session, SSHOBS_WIRE_OUT, &words, 18);
	EXPECT_EQ(0U, incomplete_of(&self->log, talk.session));
}

/* Nothing that the client's host gets is answered, until the server's gives up. */
TEST_F(member, what_no_client_ever_acknowledged_is_missed_and_told_so)
{
	struct talk talk = talk_begin(_metadata, &self->log);
	struct sock_filter nothing = { .code = BPF_RET | BPF_K };
	struct sock_fprog filter = { .len = 1, .filter = &nothing };
	struct pollfd poll_sock = { .fd = talk.sock, .events = POLLIN };
	unsigned int ms = 500;

	ASSERT_EQ(0, setsockopt(talk.client, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)));
	ASSERT_EQ(0, setsockopt(talk.sock, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)));
	ASSERT_EQ(18, write(talk.sock, "SSH-2.0-selftest\r\n", 18));
	ASSERT_EQ(1, poll(&poll_sock, 1, 30000));
	ASSERT_EQ(-1, send(talk.sock, "more", 4, MSG_NOSIGNAL));
	talk_end(&self->log, &talk);
	self->session = talk.session;
	EXPECT_EQ(SSHOBS_WIRE_CUT, last_flags(&self->log, talk.session, SSHOBS_WIRE_OUT));
	EXPECT_EQ(SSHOBS_INCOMPLETE_WIRE, incomplete_of(&self->log, talk.session));
}

/* Written, and not yet on its way when the server closes. */
TEST_F(member, what_was_not_sent_before_the_close_is_missed_and_told_so)
{
	struct talk talk = talk_begin(_metadata, &self->log);
	int one = 1;

	ASSERT_EQ(0, setsockopt(talk.sock, IPPROTO_TCP, TCP_CORK, &one, sizeof(one)));
	ASSERT_EQ(18, write(talk.sock, "SSH-2.0-selftest\r\n", 18));
	close(talk.sock);
	talk.sock = -1;
	talk_end(&self->log, &talk);
	self->session = talk.session;
	EXPECT_EQ(SSHOBS_WIRE_CUT, last_flags(&self->log, talk.session, SSHOBS_WIRE_OUT));
	EXPECT_EQ(SSHOBS_INCOMPLETE_WIRE, incomplete_of(&self->log, talk.session));
}

TEST_F(member, what_a_client_was_sent_that_had_closed_its_side_is_missed_and_told_so)
{
	struct talk talk = talk_begin(_metadata, &self->log);
	char bytes[64];

	shutdown(talk.client, SHUT_WR);
	ASSERT_EQ(0, read(talk.sock, bytes, sizeof(bytes)));
	ASSERT_EQ(26, write(talk.sock, "Not allowed at this time\r\n", 26));
	ASSERT_EQ(26, read(talk.client, bytes, sizeof(bytes)));
	/* Acknowledged by then. */
	usleep(100000);
	talk_end(&self->log, &talk);
	self->session = talk.session;
	EXPECT_EQ(SSHOBS_WIRE_CUT, last_flags(&self->log, talk.session, SSHOBS_WIRE_OUT));
	EXPECT_EQ(SSHOBS_INCOMPLETE_WIRE, incomplete_of(&self->log, talk.session));
}

/* --- log ------------------------------------------------------------------------------ */

#define LOG_DIR		"/tmp/selftest/dev"
#define LINE		"<38>Nov 24 13:35:20 sshd[145]: Accepted publickey for \"al\x1b[2Jice\""

/* What lies in the program's file need not be in memory, and is told without its text then. */
static void log_send(int sock, const char *bytes, size_t len)
{
	char copy[SSHOBS_LOG_MAX + 5];

	memcpy(copy, bytes, len);
	if (send(sock, copy, len, 0) != (ssize_t)len)
		_exit(126);
}

static void log_lines(int sock)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = LOG_DIR "/log" };
	struct sockaddr_un other = { .sun_family = AF_UNIX, .sun_path = LOG_DIR "/other" };
	int to = socket(AF_UNIX, SOCK_DGRAM, 0), from = socket(AF_UNIX, SOCK_DGRAM, 0);
	int to_other = socket(AF_UNIX, SOCK_DGRAM, 0);
	char longest[SSHOBS_LOG_MAX + 5], in_two[] = "<13>in two", parted[] = " parts";
	struct iovec parts[2] = { { in_two, 10 }, { parted, 6 } };
	struct msghdr msg = {
		.msg_name = &addr, .msg_namelen = sizeof(addr), .msg_iov = parts, .msg_iovlen = 2,
	};

	(void)sock;
	unlink(addr.sun_path);
	unlink(other.sun_path);
	if (bind(to, (void *)&addr, sizeof(addr)) || bind(to_other, (void *)&other, sizeof(other)))
		_exit(126);
	/* To another address, without a priority, and with a bad one: not told. */
	sendto(from, LINE, sizeof(LINE) - 1, 0, (void *)&other, sizeof(other));
	if (connect(from, (void *)&addr, sizeof(addr)))
		_exit(126);
	log_send(from, "no priority", 11);
	log_send(from, "<>", 2);
	log_send(from, "<12345>", 7);
	/* Told. */
	log_send(from, LINE, sizeof(LINE) - 1);
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "<7>", 3);
	log_send(from, longest, sizeof(longest));
	if (sendmsg(socket(AF_UNIX, SOCK_DGRAM, 0), &msg, 0) != 16)
		_exit(126);
}

TEST_F(member, a_line_to_the_log_is_told_and_what_goes_elsewhere_is_not)
{
	const struct sshobs_log *rec;

	mkdir("/tmp/selftest", 0755);
	mkdir(LOG_DIR, 0755);
	play(_metadata, self, log_lines);
	ASSERT_EQ(3U, count_of(self, SSHOBS_LOG));
	rec = nth(self, SSHOBS_LOG, 0);
	EXPECT_EQ(38U, rec->priority);
	ASSERT_EQ(sizeof(LINE) - 5, rec->text_len);
	EXPECT_EQ(rec->text_len, rec->text_total);
	EXPECT_EQ(0, memcmp(LINE + 4, rec->text, rec->text_len));
	rec = nth(self, SSHOBS_LOG, 1);
	EXPECT_EQ(7U, rec->priority);
	EXPECT_EQ((__u32)SSHOBS_LOG_MAX, rec->text_len);
	EXPECT_EQ(SSHOBS_LOG_MAX + 2U, rec->text_total);
	rec = nth(self, SSHOBS_LOG, 2);
	EXPECT_EQ(13U, rec->priority);
	ASSERT_EQ(12U, rec->text_len);
	EXPECT_EQ(0, memcmp("in two parts", rec->text, 12));
}

static void log_as_server(const char *line)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = LOG_DIR "/log" };
	int to = socket(AF_UNIX, SOCK_DGRAM, 0), from = socket(AF_UNIX, SOCK_DGRAM, 0);

	unlink(addr.sun_path);
	if (bind(to, (void *)&addr, sizeof(addr)) || connect(from, (void *)&addr, sizeof(addr)))
		_exit(126);
	log_send(from, line, strlen(line));
	close(from);
	close(to);
}

TEST_F(member, a_line_of_a_server_is_told_in_no_session_and_a_stranger_s_is_not)
{
	int server, status;
	const struct sshobs_hdr *hdr;
	pid_t child;

	mkdir("/tmp/selftest", 0755);
	mkdir(LOG_DIR, 0755);
	child = fork();
	if (!child) {
		log_as_server("<3>a stranger's");
		server = listen_on(AF_INET, PORT);
		self->client = connect_to(AF_INET, PORT, NULL);
		close(accept(server, NULL, NULL));
		log_as_server("<3>a server's");
		_exit(0);
	}
	status = wait_for(child);
	ASSERT_EQ(0, status);
	ASSERT_TRUE(log_sync(&self->log));
	EXPECT_EQ(1U, log_count(&self->log, OF(SSHOBS_LOG, 0, child)));
	hdr = log_find(&self->log, OF(SSHOBS_LOG, 0, child));
	ASSERT_NE(NULL, hdr);
	EXPECT_EQ(0ULL, hdr->session);
	EXPECT_EQ(0ULL, hdr->session_seq);
	EXPECT_EQ(0, memcmp(((const struct sshobs_log *)body(hdr))->text, "a server's", 10));
}

SELFTEST_MAIN()
