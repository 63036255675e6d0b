// SPDX-License-Identifier: GPL-2.0
/*
 * Which task belongs to which login: servers of every kind, written here, whose
 * processes say themselves what they are. Their word is compared with the stream.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"

extern char **environ;

/* --- servers ---------------------------------------------------------------- */

static void serve_double_fork(void)
{
	int sock = take();

	if (!born(0)) {
		if (!born(0)) {
			setsid();
			until_closed(sock);
			leave(5);
		}
		leave(4);
	}
	hello(sock);
	close(sock);
}

static void serve_exec(void)
{
	int sock = take();

	if (!born(0))
		become_cat(sock);
	hello(sock);
	close(sock);
}

static void serve_exec_closes(void)
{
	int sock = take();

	if (!born(0)) {
		fcntl(sock, F_SETFD, FD_CLOEXEC);
		become_cat(hold);
	}
	hello(sock);
	close(sock);
}

static void serve_vfork(void)
{
	int sock = take();
	struct member *child;
	pid_t pid;

	pid = vfork();
	if (!pid) {
		dup2(sock, STDIN_FILENO);
		execl("/bin/cat", "cat", NULL);
		_exit(127);
	}
	child = enlist(pid, 0);
	child->execs = 1;
	child->flags = CLONE_VM | CLONE_VFORK;
	hello(sock);
	close(sock);
}

static void serve_posix_spawn(void)
{
	char *const argv[] = { "cat", NULL };
	posix_spawn_file_actions_t actions;
	struct member *child;
	int sock = take();
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, sock, STDIN_FILENO);
	if (posix_spawn(&pid, "/bin/cat", &actions, NULL, argv, environ))
		_exit(125);
	child = enlist(pid, 0);
	child->execs = 1;
	child->flags = CLONE_VM | CLONE_VFORK;
	hello(sock);
	close(sock);
}

static void serve_clone_files(void)
{
	int sock = take();
	pid_t server = getpid();
	pid_t pid = raw_clone(CLONE_FILES);

	if (!pid) {
		me = enlist(getpid(), 0);
		me->parent = me->parent_tid = server;
		me->flags = CLONE_FILES;
		until_closed(sock);
		leave(6);
	}
	hello(sock);
	waitpid(pid, NULL, 0);
	close(sock);
}

static const uint64_t namespaces[] = {
	CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWUSER,
	CLONE_NEWCGROUP, CLONE_FS, CLONE_PARENT,
};

static void serve_clone_flags(void)
{
	int sock = take();
	struct member *child;
	size_t i;
	pid_t pid;

	if (!born(0)) {
		for (i = 0; i < ARRAY_SIZE(namespaces); i++) {
			pid = raw_clone(namespaces[i]);
			/* In a pid namespace of its own it does not know its number. */
			if (!pid)
				_exit(10 + i);
			child = enlist(pid, 0);
			child->flags = namespaces[i];
			child->code = 10 + i;
		}
		until_closed(sock);
		leave(3);
	}
	hello(sock);
	close(sock);
}

#define THREADS		4
#define THREAD_FORKS	8

static void *fork_in_thread(void *arg)
{
	long first = (long)arg;
	int i;

	for (i = 0; i < THREAD_FORKS; i++)
		if (!born(0))
			leave(first + i);
	return NULL;
}

static void serve_threads_that_fork(void)
{
	pthread_t thread[THREADS];
	int sock = take();
	long i;

	if (!born(0)) {
		for (i = 0; i < THREADS; i++)
			pthread_create(&thread[i], NULL, fork_in_thread, (void *)(i * 32));
		for (i = 0; i < THREADS; i++)
			pthread_join(thread[i], NULL);
		scene->conn[0].threads = THREADS;
		while (wait(NULL) > 0)
			;
		until_closed(sock);
		leave(3);
	}
	hello(sock);
	close(sock);
}

static void *serve_in_thread(void *arg)
{
	int sock = take_from(listener, SOCK_CLOEXEC);
	int conn = conn_of(sock);

	(void)arg;
	if (!born(conn)) {
		me->how = SSHOBS_CLONE_LATE;
		become_cat(sock);
	}
	hello(sock);
	close(sock);
	return NULL;
}

static void serve_in_threads(void)
{
	pthread_t thread[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, serve_in_thread, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

static void *exec_in_thread(void *arg)
{
	(void)arg;
	become("/bin/cat", NULL);
}

static void serve_thread_that_execs(void)
{
	int sock = take();
	pthread_t thread;

	if (!born(0)) {
		scene->conn[0].threads = 1;
		dup2(sock, STDIN_FILENO);
		pthread_create(&thread, NULL, exec_in_thread, NULL);
		/* The leader sleeps on and never comes back: its pid is the thread's now. */
		pthread_join(thread, NULL);
		_exit(126);
	}
	hello(sock);
	close(sock);
}

static void serve_setsid_setuid(void)
{
	int sock = take();

	if (!born(0)) {
		setsid();
		if (!become_nobody())
			_exit(126);
		if (!born(0))
			become_cat(sock);
		until_closed(sock);
		leave(3);
	}
	hello(sock);
	close(sock);
}

/* With vfork() the parent is not told of the child before it is over. */
static void serve_children_that_exit_first(void)
{
	int sock = take(), i;
	struct member *child;
	pid_t pid;

	for (i = 0; i < 20; i++) {
		pid = vfork();
		if (!pid)
			_exit(7);
		child = enlist(pid, 0);
		child->flags = CLONE_VM | CLONE_VFORK;
		child->code = 7;
		if (!born(0))
			leave(8);
	}
	hello(sock);
	close(sock);
}

static void serve_killed(void)
{
	int sock = take();

	if (!born(0)) {
		if (!born(0)) {
			me->signal = SIGSEGV;
			raise(SIGSEGV);
		}
		me->signal = SIGKILL;
		wait(NULL);
		kill(getpid(), SIGKILL);
	}
	hello(sock);
	close(sock);
}

/* The ones that hold several sockets, as systemd does with Accept=yes. */
static void serve_accept_yes(int count)
{
	int sock[CONNECTIONS_MAX], i;

	for (i = 0; i < count; i++)
		sock[i] = take_from(listener, SOCK_CLOEXEC);
	/* It holds them all until its exec, and none afterwards. */
	if (!born(NOWHERE))
		become("/bin/true", NULL);
	for (i = count - 1; i >= 0; i--) {
		if (born(i))
			continue;
		me->how = SSHOBS_CLONE_LATE;
		become_cat(sock[i]);
	}
	/* And one that does not even exec. */
	if (!born(NOWHERE))
		leave(9);
	for (i = 0; i < count; i++) {
		hello(sock[i]);
		close(sock[i]);
	}
}

static void serve_accept_yes_one(void)
{
	serve_accept_yes(1);
}

static void serve_accept_yes_three(void)
{
	serve_accept_yes(3);
}

static void serve_nobody(void)
{
	int sock = take();

	hello(sock);
	close(sock);
}

static void serve_two_before_fork(void)
{
	int first = take(), second = take();

	if (!born(0)) {
		me->how = SSHOBS_CLONE_LATE;
		close(second);
		become_cat(first);
	}
	if (!born(1)) {
		me->how = SSHOBS_CLONE_LATE;
		close(first);
		become_cat(second);
	}
	hello(first);
	hello(second);
	close(first);
	close(second);
}

/* Nobody can know whose the program is. */
static void two_to_one(int from)
{
	int first = take_from(from, 0), second = take_from(from, 0);

	scene->incomplete = SSHOBS_INCOMPLETE_TASKS;
	if (!born(NOWHERE))
		become_cat(first);
	hello(first);
	hello(second);
	close(first);
	close(second);
}

static void serve_two_to_one(void)
{
	two_to_one(listener);
}

/* As many as the module looks at, which its exec closes. Return the last one. */
static int fill_descriptors(void)
{
	const struct rlimit enough = { FDS_MAX + 100, FDS_MAX + 100 };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (setrlimit(RLIMIT_NOFILE, &enough))
		return -1;
	while (fd >= 0 && fd < FDS_MAX)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd;
}

static void serve_with_many_descriptors(void)
{
	int sock = take();

	if (fill_descriptors() < 0)
		leave(126);
	if (!born(0)) {
		me->how = SSHOBS_CLONE_LATE;
		become_cat(sock);
	}
	hello(sock);
	close(sock);
}

/* The second one's child has the pid that the first one's had. */
static void serve_with_one_pid(void)
{
	pid_t pid, server = getpid();
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1,
	};
	int first = take(), second;

	pid = born(0);
	if (!pid)
		leave(5);
	waitpid(pid, NULL, 0);
	second = take();
	hello(first);
	close(first);
	switch (syscall(SYS_clone3, &args, sizeof(args))) {
	case 0:
		me = enlist(getpid(), 1);
		me->parent = me->parent_tid = server;
		until_closed(second);
		if (!born(1))
			leave(7);
		leave(6);
	case -1:
		_exit(125);
	}
	hello(second);
	close(second);
}

static void serve_nested(void)
{
	int sock = take(), inner;

	if (!born(0)) {
		inner = take_from(nested_listener, 0);
		/* It holds both sockets; that of its parent's session does not count. */
		if (!born(1)) {
			if (!born(1))
				leave(7);
			until_closed(inner);
			leave(8);
		}
		hello(inner);
		close(inner);
		if (!born(0)) {
			until_closed(sock);
			leave(9);
		}
		hello(sock);
		until_closed(sock);
		leave(3);
	}
	close(sock);
}

static void serve_nested_accept_yes(void)
{
	int sock = take(), inner[2], i;

	if (!born(0)) {
		for (i = 0; i < 2; i++)
			inner[i] = take_from(nested_listener, SOCK_CLOEXEC);
		for (i = 0; i < 3; i++) {
			int conn = i < 2 ? conn_of(inner[i]) : 0;

			if (born(conn))
				continue;
			me->how = SSHOBS_CLONE_LATE;
			if (conn)
				become_cat(inner[i]);
			become("/bin/true", NULL);
		}
		for (i = 0; i < 2; i++) {
			hello(inner[i]);
			close(inner[i]);
		}
		hello(sock);
		/* Who is told late is told as a child of its parent at that time. */
		while (wait(NULL) > 0)
			;
		leave(3);
	}
	close(sock);
}

static void serve_nested_two_to_one(void)
{
	int sock = take();

	if (!born(0)) {
		two_to_one(nested_listener);
		hello(sock);
		until_closed(sock);
		leave(3);
	}
	close(sock);
}

static void serve_keeps_socket(void)
{
	int sock = take();

	if (!born(0))
		leave(4);
	hello(sock);
	until_closed(hold);
	close(sock);
}
/* --- the tree, told as it was ------------------------------------------------ */

FIXTURE(tree) {
	struct log	log;
	pid_t		server;
	int		client[CONNECTIONS_MAX];
	int		release;	/* the other end of hold */
};

FIXTURE_VARIANT(tree) {
	void		(*serve)(void);
	int		family;		/* of the server; 0: AF_INET */
	int		client_family;	/* 0: the server's */
	int		connections;	/* 0: 1 */
	int		nested;		/* so many of the last ones go to PORT_NESTED */
	/* The record that comes while something still keeps the session from its end. */
	unsigned int	before_release;
};

FIXTURE_SETUP(tree)
{
	int connections = variant->connections ?: 1, i;
	int family = variant->family ?: AF_INET;

	clean_start();
	ASSERT_EQ(0, module_want(PORTS));
	ASSERT_TRUE(log_open(&self->log));
	self->release = scene_start(family, variant->serve, &self->server);
	ASSERT_LE(0, self->release);
	for (i = 0; i < connections; i++) {
		bool nested = i >= connections - variant->nested;

		self->client[i] = connect_to(variant->client_family ?: family,
					     nested ? PORT_NESTED : PORT, &scene->conn[i].port);
		ASSERT_LE(0, self->client[i]);
	}
}

FIXTURE_TEARDOWN(tree)
{
	EXPECT_TRUE(log_is_text_of_device(&self->log));
	if (!_metadata->passed)
		log_print(&self->log, ANY_SESSION);
	log_close(&self->log);
}

/*
 *	server --fork-- child
 *	  accept         holds the socket
 */
FIXTURE_VARIANT_ADD(tree, fork) {
	.serve = serve_fork,
};

/*
 *	server --fork-- child --fork-- grandchild
 *	  accept         exits          setsid, holds the socket
 */
FIXTURE_VARIANT_ADD(tree, double_fork) {
	.serve = serve_double_fork,
};

/*
 *	server --fork-- child
 *	  accept         execs cat <socket
 */
FIXTURE_VARIANT_ADD(tree, exec) {
	.serve = serve_exec,
};

/*
 *	server --fork-- child
 *	  accept         execs cat; that closes the socket, and the child lives on
 */
FIXTURE_VARIANT_ADD(tree, exec_that_closes_the_socket) {
	.serve = serve_exec_closes,
	.before_release = SSHOBS_CLOSE,
};

/*
 *	server --vfork-- child
 *	  accept          execs cat <socket
 */
FIXTURE_VARIANT_ADD(tree, vfork) {
	.serve = serve_vfork,
};

/*
 *	server --posix_spawn-- child
 *	  accept                execs cat <socket
 */
FIXTURE_VARIANT_ADD(tree, posix_spawn) {
	.serve = serve_posix_spawn,
};

/*
 *	server --CLONE_FILES-- child
 *	  accept                the same table, the same socket
 */
FIXTURE_VARIANT_ADD(tree, clone_files) {
	.serve = serve_clone_files,
};

/*
 *	server --fork-- child -+-CLONE_NEWNS-- exits
 *	  accept               +-CLONE_NEWPID-- exits
 *	                       +-CLONE_PARENT-- exits; its parent is the server
 *	                       +-... one for each flag
 */
FIXTURE_VARIANT_ADD(tree, clone_flags) {
	.serve = serve_clone_flags,
};

/*
 *	server --fork-- child =thread= fork x 8
 *	  accept              =thread= fork x 8
 *	                      =thread= fork x 8
 *	                      =thread= fork x 8
 */
FIXTURE_VARIANT_ADD(tree, threads_that_fork_at_once) {
	.serve = serve_threads_that_fork,
};

/*
 *	server =thread, accept --fork-- child 0, execs cat <socket 0
 *	       =thread, accept --fork-- child 1, execs cat <socket 1
 *	       =thread, accept --fork-- child 2, execs cat <socket 2
 *	       =thread, accept --fork-- child 3, execs cat <socket 3
 */
FIXTURE_VARIANT_ADD(tree, server_in_threads) {
	.serve = serve_in_threads,
	.connections = THREADS,
};

/*
 *	server --fork-- child
 *	  accept         =thread= execs cat <socket and takes the child's pid over
 */
FIXTURE_VARIANT_ADD(tree, exec_in_another_thread) {
	.serve = serve_thread_that_execs,
};

/*
 *	server --fork-- child --fork-- grandchild
 *	  accept         setsid         execs cat <socket
 *	                 setuid
 */
FIXTURE_VARIANT_ADD(tree, setsid_and_setuid) {
	.serve = serve_setsid_setuid,
};

/*
 *	server -+-vfork-- child, exits at once    x 20
 *	  accept+-fork--- child, exits at once    x 20
 */
FIXTURE_VARIANT_ADD(tree, children_that_exit_before_fork_returns) {
	.serve = serve_children_that_exit_first,
};

/*
 *	server --fork-- child --fork-- grandchild
 *	  accept         SIGKILL        SIGSEGV
 */
FIXTURE_VARIANT_ADD(tree, killed) {
	.serve = serve_killed,
};

/*
 *	server -+-fork-- helper, execs true            in no session
 *	  accept+-fork-- child, execs cat <socket 0    linked by its exec
 *	        +-fork-- helper, exits                 in no session
 */
FIXTURE_VARIANT_ADD(tree, accept_yes) {
	.serve = serve_accept_yes_one,
};

/*
 *	server -+-fork-- helper, execs true            in no session
 *	  accept+-fork-- child, execs cat <socket 2    each holds all three
 *	  accept+-fork-- child, execs cat <socket 1    until its exec
 *	  accept+-fork-- child, execs cat <socket 0
 *	        +-fork-- helper, exits                 in no session
 */
FIXTURE_VARIANT_ADD(tree, accept_yes_under_load) {
	.serve = serve_accept_yes_three,
	.connections = 3,
};

/*
 *	server
 *	  accept, close
 */
FIXTURE_VARIANT_ADD(tree, refused) {
	.serve = serve_nobody,
};

/*
 *	server -+-fork-- child, closes socket 1, execs cat <socket 0
 *	  accept+-fork-- child, closes socket 0, execs cat <socket 1
 *	  accept
 */
FIXTURE_VARIANT_ADD(tree, two_accepted_before_both_forks) {
	.serve = serve_two_before_fork,
	.connections = 2,
};

/*
 *	server --fork-- child, execs cat               in no session, and both say so
 *	  accept
 *	  accept
 */
FIXTURE_VARIANT_ADD(tree, two_that_one_program_holds) {
	.serve = serve_two_to_one,
	.connections = 2,
};

/*
 *	server --fork-- child, execs cat <socket       linked by its exec
 *	  accept
 *	  opens 65,536 files close-on-exec
 */
FIXTURE_VARIANT_ADD(tree, more_descriptors_than_are_looked_at) {
	.serve = serve_with_many_descriptors,
};

/*
 *	server --fork-- child (session 0), exits
 *	  accept
 *	       --clone3-- child (session 1), the same pid --fork-- (session 1)
 *	  accept
 */
FIXTURE_VARIANT_ADD(tree, pid_of_another_session) {
	.serve = serve_with_one_pid,
	.connections = 2,
};

/*
 *	server --fork-- child (session 0) -+-fork-- child (session 1) --fork-- (session 1)
 *	  accept         accepts as well   +-fork-- child (session 0)
 */
FIXTURE_VARIANT_ADD(tree, server_in_a_session) {
	.serve = serve_nested,
	.connections = 2,
	.nested = 1,
};

/*
 *	server --fork-- child (session 0) -+-fork-- child, execs cat <socket 1   each holds both
 *	  accept         accepts two       +-fork-- child, execs cat <socket 2   until its exec
 *	                                   +-fork-- child (session 0), execs true
 */
FIXTURE_VARIANT_ADD(tree, accept_yes_in_a_session) {
	.serve = serve_nested_accept_yes,
	.connections = 3,
	.nested = 2,
};

/*
 *	server --fork-- child (session 0) --fork-- child, execs cat   in none of the three, which
 *	  accept         accepts two                                  say so
 */
FIXTURE_VARIANT_ADD(tree, two_that_one_program_in_a_session_holds) {
	.serve = serve_nested_two_to_one,
	.connections = 3,
	.nested = 2,
};

/*
 *	server --fork-- child
 *	  accept         exits
 *	  keeps the socket open for a while
 */
FIXTURE_VARIANT_ADD(tree, socket_that_outlives_its_members) {
	.serve = serve_keeps_socket,
	.before_release = SSHOBS_EXIT,
};

/* As fork, over IPv6. */
FIXTURE_VARIANT_ADD(tree, ipv6) {
	.serve = serve_fork,
	.family = AF_INET6,
};

/* As fork; the server's socket is of IPv6 and the client's of IPv4. */
FIXTURE_VARIANT_ADD(tree, ipv4_mapped) {
	.serve = serve_fork,
	.family = AF_INET6,
	.client_family = AF_INET,
};
/* Who belongs nowhere is not told of, but as a child of a server that is none. */
static void expect_nothing_of_others(struct __test_metadata *_metadata, const struct log *log)
{
	unsigned int i;
	ssize_t at;

	for (i = 0; i < scene->members; i++) {
		const struct member *member = &scene->member[i];

		if (member->conn != NOWHERE)
			continue;
		/* Its exec may be the last to close the socket. */
		for (at = -1; (at = log_index(log, WANT(.pid = member->pid), at + 1)) >= 0;) {
			EXPECT_TRUE(log->recs[at]->type == SSHOBS_CLOSE ||
				    log->recs[at]->type == SSHOBS_END)
				TH_LOG("%s of %d", sshobs_type_name(log->recs[at]->type), member->pid);
		}
		for (at = -1; (at = log_index(log, WANT(.type = SSHOBS_CLONE), at + 1)) >= 0;) {
			EXPECT_NE((__u32)member->pid,
				  ((const struct sshobs_clone *)body(log->recs[at]))->child);
		}
	}
}

/* Something keeps a session from its end, until the test lets go. */
static void expect_not_yet(struct __test_metadata *_metadata, struct log *log, uint64_t session,
			   unsigned int until)
{
	ASSERT_NE(NULL, log_wait(log, IN(until, session)));
	ASSERT_TRUE(log_sync(log));
	EXPECT_EQ(0U, log_count(log, IN(SSHOBS_END, session)));
	EXPECT_EQ(0U, log_count(log, IN(until == SSHOBS_EXIT ? SSHOBS_CLOSE : SSHOBS_EXIT,
					  session)));
}

TEST_F(tree, is_told_as_it_was)
{
	int connections = variant->connections ?: 1, i;
	uint64_t session[CONNECTIONS_MAX];
	int family = variant->client_family ?: variant->family ?: AF_INET;

	for (i = 0; i < connections; i++) {
		session[i] = log_wait_session(&self->log, scene->conn[i].port);
		ASSERT_NE(0ULL, session[i]);
		ASSERT_EQ(1, read_byte(self->client[i]));
	}
	for (i = 0; i < connections; i++)
		close(self->client[i]);
	if (variant->before_release)
		expect_not_yet(_metadata, &self->log, session[0], variant->before_release);
	close(self->release);
	ASSERT_EQ(0, wait_for(self->server));
	for (i = 0; i < connections; i++) {
		ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, session[i])));
	}
	ASSERT_TRUE(log_sync(&self->log));

	for (i = 0; i < connections; i++) {
		bool nested = i >= connections - variant->nested;

		expect_session(_metadata, &self->log, session[i], i, family,
			       nested ? PORT_NESTED : PORT);
	}
	expect_nothing_of_others(_metadata, &self->log);
	expect_stream_in_order(_metadata, &self->log);
}

/* --- strangers -------------------------------------------------------------- */

static void serve_and_do_everything(int sock)
{
	int pty = open_master();

	(void)sock;
	if (pty < 0 || !become_nobody())
		_exit(126);
	execl("/no/such/program", "program", NULL);
	execl("/bin/true", "true", NULL);
}

TEST_F(member, a_connection_to_another_port_is_no_session)
{
	int other = listen_on(AF_INET, 0), sock;
	pid_t pid;

	self->client = connect_to(AF_INET, port_of(other), NULL);
	sock = accept(other, NULL, NULL);
	pid = fork();
	if (!pid) {
		serve_and_do_everything(sock);
		_exit(127);
	}
	ASSERT_EQ(0, wait_for(pid));
	close(sock);
	close(self->client);
	ASSERT_TRUE(log_sync(&self->log));
	/* The mark itself. */
	EXPECT_EQ(1U, self->log.count);
}

/* The port that the socket has when it closes says nothing of what it was accepted for. */
TEST_F(member, a_session_ends_whose_socket_was_bound_to_another_port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	int server = listen_on(AF_INET, PORT), sock;
	uint16_t port;

	self->client = connect_to(AF_INET, PORT, &port);
	sock = accept(server, NULL, NULL);
	self->session = log_wait_session(&self->log, port);
	ASSERT_NE(0ULL, self->session);
	ASSERT_EQ(0, connect(sock, &nowhere, sizeof(nowhere)));
	ASSERT_EQ(0, bind(sock, (void *)&addr, sizeof(addr)));
	ASSERT_NE(PORT, port_of(sock));
	ASSERT_TRUE(log_sync(&self->log));
	EXPECT_EQ(0U, log_count(&self->log, IN(SSHOBS_END, self->session)));
	close(sock);
	ASSERT_TRUE(log_sync(&self->log));
	EXPECT_EQ(1U, log_count(&self->log, IN(SSHOBS_CLOSE, self->session)));
	EXPECT_EQ(1U, log_count(&self->log, IN(SSHOBS_END, self->session)));
	close(server);
}

TEST_F(member, a_client_of_a_watched_port_is_no_member)
{
	int server = listen_on(AF_INET, PORT), sock;
	pid_t pid = fork();

	if (!pid) {
		sock = connect_to(AF_INET, PORT, NULL);
		/* Its own port is not watched; the other end's is. */
		serve_and_do_everything(sock);
		_exit(127);
	}
	ASSERT_EQ(0, wait_for(pid));
	sock = accept(server, NULL, NULL);
	close(sock);
	ASSERT_TRUE(log_sync(&self->log));
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_ACCEPT)));
	EXPECT_EQ(0U, log_count(&self->log, WANT(.pid = pid)));
	EXPECT_EQ(0U, log_count(&self->log, WANT(.type = SSHOBS_CLONE)));
}

TEST_F(member, a_server_that_forks_without_a_connection_makes_no_member)
{
	int server = listen_on(AF_INET, PORT), sock;
	pid_t before, after;

	before = fork();
	if (!before)
		execl("/bin/true", "true", NULL);
	self->client = connect_to(AF_INET, PORT, NULL);
	sock = accept(server, NULL, NULL);
	close(sock);
	/* It is a known server now, and still this child holds nothing. */
	after = fork();
	if (!after)
		execl("/bin/true", "true", NULL);
	ASSERT_EQ(0, wait_for(before));
	ASSERT_EQ(0, wait_for(after));
	ASSERT_TRUE(log_sync(&self->log));
	/* syn, established, accept, close, end and the mark. */
	EXPECT_EQ(6U, self->log.count);
}

#define AT_ONCE_ROUNDS	500

static void accept_in_vain(void)
{
	if (accept(listener, NULL, NULL) >= 0 || errno != EAGAIN)
		_exit(1);
}

TEST_F(member, threads_that_accept_first_at_once_are_one_server)
{
	struct sshobs_stats before, after;
	int i;

	listener = listen_on(AF_INET, PORT);
	ASSERT_EQ(0, fcntl(listener, F_SETFL, O_NONBLOCK));
	before = stats_of(_metadata, self->log.fd);
	for (i = 0; i < AT_ONCE_ROUNDS; i++) {
		pid_t pid = fork();

		if (!pid) {
			at_once(accept_in_vain);
			_exit(0);
		}
		ASSERT_EQ(0, wait_for(pid));
	}
	after = stats_of(_metadata, self->log.fd);
	EXPECT_EQ(before.tasks_total + AT_ONCE_ROUNDS, after.tasks_total);
	EXPECT_EQ(before.tasks, after.tasks);
	close(listener);
}

TEST_F(member, a_child_whose_connection_is_not_looked_at_is_counted)
{
	int server = listen_on(AF_INET, PORT), last, low, sock;
	struct sshobs_stats before, after;
	pid_t pid;

	self->client = connect_to(AF_INET, PORT, NULL);
	low = accept(server, NULL, NULL);
	last = fill_descriptors();
	ASSERT_LE(0, last);
	sock = fcntl(low, F_DUPFD, 0);
	ASSERT_EQ(last + 1, sock);
	ASSERT_EQ(low, dup2(last, low));
	before = stats_of(_metadata, self->log.fd);
	pid = fork();
	if (!pid)
		_exit(0);
	ASSERT_EQ(0, wait_for(pid));
	after = stats_of(_metadata, self->log.fd);
	EXPECT_EQ(before.tasks_untracked + 1, after.tasks_untracked);
	close(sock);
	ASSERT_TRUE(log_sync(&self->log));
	EXPECT_EQ(0U, log_count(&self->log, WANT(.type = SSHOBS_CLONE)));
}

SELFTEST_MAIN()
