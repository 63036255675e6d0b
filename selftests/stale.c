// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions whose close was missed: the memory of their socket comes back, as that of another
 * connection. Needs the variant "blind", since no hook can be turned off.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"

#define BLIND		"/sys/module/sshobs/parameters/blind"
#define SESSIONS	20

/* Serves one connection after the other, until it is killed. */
static pid_t serve_all(int listener)
{
	pid_t pid = fork();
	int sock;

	if (pid)
		return pid;
	for (;;) {
		sock = accept(listener, NULL, NULL);
		while (read_byte(sock) > 0)
			;
		close(sock);
	}
}

/* So many sessions, each after the one before it is over, and their clients' ports. */
static void have_sessions(struct __test_metadata *_metadata, struct log *log,
			  uint64_t sessions[SESSIONS], uint16_t ports[SESSIONS])
{
	int i, sock;

	for (i = 0; i < SESSIONS; i++) {
		sock = connect_to(AF_INET, PORT, &ports[i]);
		ASSERT_LE(0, sock);
		ASSERT_EQ(0, shutdown(sock, SHUT_WR));
		/* The server has closed it, too. */
		ASSERT_EQ(0, read_byte(sock));
		close(sock);
		sessions[i] = log_wait_session(log, ports[i]);
		ASSERT_NE(0ULL, sessions[i]);
	}
	ASSERT_TRUE(log_sync(log));
}

static void expect_closed(struct __test_metadata *_metadata, struct log *log, uint64_t session, uint16_t port)
{
	const struct sshobs_hdr *rec = log_wait(log, IN(SSHOBS_CLOSE, session));

	ASSERT_NE(NULL, rec);
	EXPECT_EQ(port, ((const struct sshobs_close *)body(rec))->peer.port);
	EXPECT_EQ(0U, incomplete_of(log, session));
}

TEST_F(member, a_connection_takes_nothing_over_from_one_whose_close_was_missed)
{
	uint64_t missed[SESSIONS], seen[SESSIONS];
	uint16_t missed_ports[SESSIONS], seen_ports[SESSIONS];
	int listener = listen_on(AF_INET, PORT), ended = 0, i;
	pid_t server;

	/* What one frees the next one is given. */
	ASSERT_TRUE(stay_on(0));
	server = serve_all(listener);
	ASSERT_LT(0, server);
	ASSERT_TRUE(set_switch(BLIND, '1'));
	have_sessions(_metadata, &self->log, missed, missed_ports);
	ASSERT_TRUE(set_switch(BLIND, '0'));
	have_sessions(_metadata, &self->log, seen, seen_ports);

	for (i = 0; i < SESSIONS; i++) {
		expect_closed(_metadata, &self->log, seen[i], seen_ports[i]);
		EXPECT_EQ(1U, log_count(&self->log, IN(SSHOBS_ACCEPT, missed[i])));
		EXPECT_EQ(0U, log_count(&self->log, IN(SSHOBS_CLOSE, missed[i])));
		if (!log_find(&self->log, IN(SSHOBS_END, missed[i])))
			continue;
		EXPECT_EQ((unsigned int)SSHOBS_INCOMPLETE_MISSED, incomplete_of(&self->log, missed[i]));
		ended++;
	}
	TH_LOG("of %d sessions %d ended when their socket's memory came back", SESSIONS, ended);
	EXPECT_LT(0, ended);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	close(listener);
	/* Whatever did not come back goes with the module. */
	log_close(&self->log);
	EXPECT_EQ(0, module_reload(PORTS));
	ASSERT_TRUE(log_open(&self->log));
}

SELFTEST_MAIN()
