/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A scene's session, record by record, as its processes have told it. Included
 * once by a program, after checks.h.
 */
#ifndef _SSHOBS_SELFTESTS_EXPECT_H
#define _SSHOBS_SELFTESTS_EXPECT_H

#include "checks.h"
#include "scene.h"

static inline void expect_endpoint(struct __test_metadata *_metadata,
				   const struct sshobs_endpoint *end, int family,
				   uint16_t port)
{
	static const __u8 loopback4[16] = { 127, 0, 0, 1 };
	static const __u8 loopback6[16] = { [15] = 1 };

	EXPECT_EQ(family, end->family);
	EXPECT_EQ(port, end->port);
	EXPECT_EQ(0, memcmp(end->addr, family == AF_INET6 ? loopback6 : loopback4, 16));
	EXPECT_EQ(0U, end->scope_id);
}

/* SYNs that came from a port. */
static inline unsigned int count_syns(const struct log *log, uint16_t port)
{
	unsigned int syns = 0;
	ssize_t i = -1;

	while ((i = log_index(log, WANT(.type = SSHOBS_SYN), i + 1)) >= 0)
		syns += ((const struct sshobs_syn *)body(log->recs[i]))->peer.port == port;
	return syns;
}

/*
 * The first record. On loopback nothing is lost, but where the machine stalls, both SYN and
 * SYN-ACK may be sent again all the same; then something else in the log says so.
 */
static inline void expect_established(struct __test_metadata *_metadata, const struct log *log,
				      uint64_t session, const struct sshobs_hdr *accept)
{
	const struct sshobs_hdr *close = log_find(log, IN(SSHOBS_CLOSE, session));
	const struct sshobs_hdr *hdr = log_find(log, WANT(.session = session));
	const struct sshobs_established *rec = body(hdr);
	const struct sshobs_accept *accepted = body(accept);

	ASSERT_EQ(SSHOBS_ESTABLISHED, hdr->type);
	EXPECT_EQ(1U, log_count(log, IN(SSHOBS_ESTABLISHED, session)));
	/* Those of others may come in between: another thread's, or the next SYN. */
	EXPECT_EQ(hdr->session_seq + 1, accept->session_seq);
	EXPECT_EQ(accept->tid, hdr->tid);
	EXPECT_EQ(0, memcmp(&accepted->peer, &rec->peer, sizeof(rec->peer)));
	EXPECT_EQ(0, memcmp(&accepted->local, &rec->local, sizeof(rec->local)));
	EXPECT_EQ(count_syns(log, rec->peer.port), rec->syns);
	EXPECT_LT(0ULL, rec->syn_ns);
	if (rec->synack_ns) {
		/* The kernel's own times are in whole microseconds. */
		EXPECT_LE(rec->syn_ns, rec->synack_ns + 1000);
		EXPECT_EQ(rec->synack_ns + rec->rtt_us * 1000ULL, rec->established_ns);
	} else {
		ASSERT_NE(NULL, close);
		EXPECT_LT(0U, ((const struct sshobs_close *)body(close))->retransmits);
	}
	EXPECT_LE(rec->established_ns, accepted->start_ns);
	EXPECT_EQ(accepted->start_ns - rec->established_ns, accepted->queue_ns);
	EXPECT_LT(rec->established_ns, hdr->time_ns);
	EXPECT_GT(rec->syn_ns + 60000000000ULL, hdr->time_ns);
}

static inline void expect_accept(struct __test_metadata *_metadata, const struct log *log,
				 uint64_t session, const struct conn *conn, int family,
				 uint16_t port)
{
	const struct sshobs_hdr *hdr = log_find(log, IN(SSHOBS_ACCEPT, session));
	const struct sshobs_accept *rec = body(hdr);

	ASSERT_NE(NULL, hdr);
	EXPECT_EQ(1U, log_count(log, IN(SSHOBS_ACCEPT, session)));
	expect_established(_metadata, log, session, hdr);
	EXPECT_EQ((__u32)conn->acceptor, hdr->pid);
	EXPECT_EQ((__u32)conn->acceptor_tid, hdr->tid);
	expect_endpoint(_metadata, &rec->peer, family, conn->port);
	expect_endpoint(_metadata, &rec->local, family, port);
	EXPECT_EQ(conn->cookie, rec->cookie);
	EXPECT_LE(rec->start_ns, hdr->time_ns);
	EXPECT_GT(rec->start_ns + 1000000000, hdr->time_ns);
}

/* The clone record of a member; NULL, having failed, where there is not exactly one. */
static inline const struct sshobs_hdr *find_clone(struct __test_metadata *_metadata,
						  const struct log *log, uint64_t session,
						  pid_t child)
{
	const struct sshobs_hdr *found = NULL;
	ssize_t i = -1;

	while ((i = log_index(log, IN(SSHOBS_CLONE, session), i + 1)) >= 0) {
		const struct sshobs_clone *rec = body(log->recs[i]);

		if (rec->flags & CLONE_THREAD || rec->child != (__u32)child)
			continue;
		EXPECT_NULL(found) TH_LOG("two clones of %d", child);
		found = log->recs[i];
	}
	EXPECT_NE(NULL, found) TH_LOG("no clone of %d", child);
	return found;
}

static inline void expect_clone(struct __test_metadata *_metadata, const struct log *log,
				uint64_t session, const struct member *member)
{
	const struct sshobs_hdr *hdr = find_clone(_metadata, log, session, member->pid);
	const struct sshobs_clone *rec;
	ssize_t first;

	if (!hdr)
		return;
	rec = body(hdr);
	EXPECT_EQ((__u32)member->parent, hdr->pid);
	/* What is told late is told of the process. */
	if (!member->how) {
		EXPECT_EQ((__u32)member->parent_tid, hdr->tid);
	}
	EXPECT_EQ(member->how, rec->how);
	EXPECT_EQ(member->how ? 0 : member->flags, rec->flags) TH_LOG("of %d", member->pid);
	EXPECT_LE(rec->start_ns, hdr->time_ns);
	/* Nothing of the child comes before it. */
	first = log_index(log, WANT(.session = session, .pid = member->pid), 0);
	if (first >= 0) {
		EXPECT_LT(hdr->seq, log->recs[first]->seq) TH_LOG("of %d", member->pid);
	}
}

/* A connect that its process left behind when it exited, and that is closed with the files. */
static inline bool is_abandoned(const struct sshobs_hdr *hdr)
{
	const struct sshobs_connect *rec = body(hdr);

	return hdr->type == SSHOBS_CONNECT && rec->flags & SSHOBS_CONNECT_ABANDONED;
}

static inline void expect_exit(struct __test_metadata *_metadata, const struct log *log,
			       uint64_t session, const struct member *member)
{
	ssize_t i = log_index(log, OF(SSHOBS_EXIT, session, member->pid), 0);
	const struct sshobs_exit *rec;

	EXPECT_EQ(1U, log_count(log, OF(SSHOBS_EXIT, session, member->pid)))
		TH_LOG("of %d", member->pid);
	if (i < 0)
		return;
	rec = body(log->recs[i]);
	EXPECT_EQ((__u32)member->code, rec->code);
	EXPECT_EQ((__u32)member->signal, rec->signal);
	EXPECT_LT(0ULL, rec->maxrss_kb);
	/* Afterwards it may only be the one that closes the socket and ends the session. */
	while ((i = log_index(log, WANT(.session = session, .pid = member->pid), i + 1)) >= 0) {
		EXPECT_TRUE(log->recs[i]->type == SSHOBS_CLOSE ||
			    log->recs[i]->type == SSHOBS_END || is_abandoned(log->recs[i]))
			TH_LOG("%s of %d after its exit", sshobs_type_name(log->recs[i]->type),
			       member->pid);
	}
}

static inline void expect_member(struct __test_metadata *_metadata, const struct log *log,
				 uint64_t session, const struct member *member)
{
	const struct want execs = OF(SSHOBS_EXEC, session, member->pid);

	expect_clone(_metadata, log, session, member);
	expect_exit(_metadata, log, session, member);
	EXPECT_EQ(member->execs, log_count(log, execs)) TH_LOG("of %d", member->pid);
}

static inline bool is_member(pid_t pid, int conn)
{
	unsigned int i;

	for (i = 0; i < scene->members; i++)
		if (scene->member[i].pid == pid && scene->member[i].conn == conn)
			return true;
	return false;
}

/* What a session tells, it tells of its own members. */
static inline void expect_no_strangers(struct __test_metadata *_metadata, const struct log *log,
				       uint64_t session, int conn)
{
	ssize_t i = -1;

	while ((i = log_index(log, WANT(.session = session), i + 1)) >= 0) {
		const struct sshobs_hdr *hdr = log->recs[i];

		switch (hdr->type) {
		case SSHOBS_ACCEPT:
		case SSHOBS_ESTABLISHED:
		case SSHOBS_CLONE:
		case SSHOBS_CLOSE:
		case SSHOBS_END:
			continue;	/* a server may do that */
		case SSHOBS_WIRE:
			if (!hdr->pid)
				continue;	/* what was sent is told by nobody */
		}
		EXPECT_TRUE(is_member(hdr->pid, conn))
			TH_LOG("%s of %u", sshobs_type_name(hdr->type), hdr->pid);
	}
}

static inline void expect_close(struct __test_metadata *_metadata, const struct log *log,
				uint64_t session)
{
	const struct sshobs_hdr *hdr = log_find(log, IN(SSHOBS_CLOSE, session));
	const struct sshobs_accept *accepted = body(log_find(log, IN(SSHOBS_ACCEPT, session)));
	const struct sshobs_close *rec;

	ASSERT_EQ(1U, log_count(log, IN(SSHOBS_CLOSE, session)));
	rec = body(hdr);
	EXPECT_EQ(0, memcmp(&accepted->peer, &rec->peer, sizeof(rec->peer)));
	EXPECT_EQ(0, memcmp(&accepted->local, &rec->local, sizeof(rec->local)));
	EXPECT_EQ(0ULL, rec->bytes_received);
	/* The server's hello, and that again where the client was slow to acknowledge it. */
	EXPECT_LE(1ULL, rec->bytes_sent);
	EXPECT_GE(1ULL + rec->retransmits, rec->bytes_sent);
	EXPECT_EQ(0U, rec->flags);
}

static inline void expect_end(struct __test_metadata *_metadata, const struct log *log,
			      uint64_t session, int conn)
{
	const struct sshobs_hdr *start = log_find(log, IN(SSHOBS_ACCEPT, session));
	const struct sshobs_hdr *hdr = log_find(log, IN(SSHOBS_END, session));
	unsigned int members = 0, execs = 0, threads = 0, i;
	const struct sshobs_end *rec;
	ssize_t at = -1;

	for (i = 0; i < scene->members; i++) {
		if (scene->member[i].conn != conn)
			continue;
		members++;
		execs += scene->member[i].execs;
	}
	while ((at = log_index(log, IN(SSHOBS_CLONE, session), at + 1)) >= 0)
		if (((const struct sshobs_clone *)body(log->recs[at]))->flags & CLONE_THREAD)
			threads++;

	EXPECT_EQ(members + scene->conn[conn].threads,
		  log_count(log, IN(SSHOBS_CLONE, session)));
	EXPECT_EQ(scene->conn[conn].threads, threads);
	EXPECT_EQ(1U, log_count(log, IN(SSHOBS_END, session)));
	rec = body(hdr);
	EXPECT_EQ(members, rec->processes);
	EXPECT_EQ(execs, rec->execs);
	EXPECT_EQ(members ? 0 : SSHOBS_END_REFUSED, rec->flags);
	EXPECT_EQ(scene->incomplete, rec->incomplete & ~scene->incomplete_or_not);
	EXPECT_EQ(hdr->session_seq, log_count(log, WANT(.session = session)));
	EXPECT_GE(hdr->time_ns - start->time_ns + 1000000000, rec->duration_ns);
	EXPECT_LE(hdr->time_ns - start->time_ns, rec->duration_ns + 1000000000);
}

/* Compare all that the stream tells of a connection with what its processes said. */
static inline void expect_session(struct __test_metadata *_metadata, const struct log *log,
				  uint64_t session, int conn, int family, uint16_t port)
{
	unsigned int i;

	expect_accept(_metadata, log, session, &scene->conn[conn], family, port);
	for (i = 0; i < scene->members; i++)
		if (scene->member[i].conn == conn)
			expect_member(_metadata, log, session, &scene->member[i]);
	expect_no_strangers(_metadata, log, session, conn);
	expect_close(_metadata, log, session);
	expect_end(_metadata, log, session, conn);
	expect_session_gapless(_metadata, log, session);
}

#endif /* _SSHOBS_SELFTESTS_EXPECT_H */
