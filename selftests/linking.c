// SPDX-License-Identifier: GPL-2.0
/*
 * Which task belongs to which login: servers of every kind, written here, whose
 * processes say themselves what they are. Their word is compared with the stream.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"

extern char **environ;

#define CONNECTIONS_MAX	4
#define MEMBERS_MAX	1024
/* Not a member of any connection's session. */
#define NOWHERE		(-1)

/* --- the scene: what the processes of a test say of themselves --------------- */

/**
 * struct member - a process, by its own word or its parent's
 * @pid: what getpid() says
 * @parent: process that made it
 * @parent_tid: thread that made it
 * @conn: connection whose session it belongs to, or NOWHERE
 * @execs: programs that it became
 * @code: its exit status
 * @signal: the signal that killed it
 * @how: SSHOBS_CLONE_LATE where only its exec can tell
 * @flags: CLONE_* that its clone record has
 */
struct member {
	pid_t		pid;
	pid_t		parent;
	pid_t		parent_tid;
	int		conn;
	unsigned int	execs;
	int		code;
	int		signal;
	unsigned int	how;
	uint64_t	flags;
};

/**
 * struct conn - a connection
 * @port: the client's port
 * @acceptor: process that accepted it
 * @acceptor_tid: thread that accepted it
 * @cookie: what SO_COOKIE says of the accepted socket
 * @threads: threads that its members made
 */
struct conn {
	uint16_t	port;
	pid_t		acceptor;
	pid_t		acceptor_tid;
	uint64_t	cookie;
	unsigned int	threads;
};

/* Shared by all processes of a test. */
static struct scene {
	struct conn	conn[CONNECTIONS_MAX];
	struct member	member[MEMBERS_MAX];
	unsigned int	members;
	int		number;		/* for whatever else a test wants to know */
} *scene;

static int listener, nested_listener;
/* Its other end is with the test: who reads it waits for the test. */
static int hold;
/* This process, where it is a member. */
static struct member *me;

static struct member *enlist(pid_t pid, int conn)
{
	unsigned int i = __atomic_fetch_add(&scene->members, 1, __ATOMIC_SEQ_CST);

	if (i >= MEMBERS_MAX)
		abort();
	scene->member[i] = (struct member){
		.pid = pid, .parent = getpid(), .parent_tid = syscall(SYS_gettid), .conn = conn,
	};
	return &scene->member[i];
}

/* fork(); the child is a member of that connection's session, by the rules. */
static pid_t born(int conn)
{
	pid_t parent = getpid(), parent_tid = syscall(SYS_gettid);
	pid_t pid = fork();

	if (pid)
		return pid;
	me = enlist(getpid(), conn);
	me->parent = parent;
	me->parent_tid = parent_tid;
	return 0;
}

static void __attribute__((noreturn)) leave(int code)
{
	me->code = code;
	_exit(code);
}

static void __attribute__((noreturn)) become(const char *path, ...)
{
	const char *argv[16] = { path };
	va_list args;
	int i = 0;

	va_start(args, path);
	while (argv[i])
		argv[++i] = va_arg(args, const char *);
	va_end(args);
	me->execs++;
	execv(path, (char **)argv);
	_exit(127);
}

/* A program that lives until the peer closes, or the test lets go. */
static void __attribute__((noreturn)) become_cat(int in)
{
	dup2(in, STDIN_FILENO);
	become("/bin/cat", NULL);
}

/* Which connection it is, by the client's port. */
static int conn_of(int sock)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	uint16_t port;
	int i;

	getpeername(sock, (struct sockaddr *)&address, &len);
	/* Both families have it at the same place. */
	port = be16toh(((uint16_t *)&address)[1]);
	for (i = 0; i < CONNECTIONS_MAX - 1 && scene->conn[i].port != port; i++)
		;
	return i;
}

static int take_from(int from, int flags)
{
	int sock = accept4(from, NULL, NULL, flags);
	struct conn *conn = &scene->conn[conn_of(sock)];
	socklen_t len = sizeof(conn->cookie);

	conn->acceptor = getpid();
	conn->acceptor_tid = syscall(SYS_gettid);
	getsockopt(sock, SOL_SOCKET, SO_COOKIE, &conn->cookie, &len);
	return sock;
}

static int take(void)
{
	return take_from(listener, 0);
}

static void until_closed(int fd)
{
	char byte;

	while (read(fd, &byte, 1) > 0)
		;
}

/* Tell the client that everything stands. */
static void hello(int sock)
{
	if (write(sock, "h", 1) != 1)
		_exit(126);
}

/* --- servers ---------------------------------------------------------------- */

static void serve_fork(void)
{
	int sock = take();

	if (!born(0)) {
		until_closed(sock);
		leave(3);
	}
	hello(sock);
	close(sock);
}

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

/* fork() with flags. */
static pid_t raw_clone(unsigned long flags)
{
	return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
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

/* What every scene starts with; server functions run in a child. */
static int scene_start(int family, void (*serve)(void), pid_t *server)
{
	int fds[2];

	scene = mmap(NULL, sizeof(*scene), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	listener = listen_on(family, PORT);
	nested_listener = listen_on(family, PORT_NESTED);
	if (scene == MAP_FAILED || listener < 0 || nested_listener < 0 || pipe2(fds, O_CLOEXEC))
		return -1;
	hold = fds[0];
	*server = fork();
	if (!*server) {
		close(fds[1]);
		serve();
		while (wait(NULL) > 0)
			;
		_exit(0);
	}
	close(listener);
	close(nested_listener);
	close(hold);
	return fds[1];
}

FIXTURE_VARIANT(tree) {
	void		(*serve)(void);
	int		family;		/* of the server; 0: AF_INET */
	int		client_family;	/* 0: the server's */
	int		connections;	/* 0: 1 */
	bool		nested;		/* the last connection goes to PORT_NESTED */
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
		bool nested = variant->nested && i == connections - 1;

		self->client[i] = connect_to(variant->client_family ?: family,
					     nested ? PORT_NESTED : PORT, &scene->conn[i].port);
		ASSERT_LE(0, self->client[i]);
	}
}

FIXTURE_TEARDOWN(tree)
{
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
 *	server --fork-- child (session 0) -+-fork-- child (session 1) --fork-- (session 1)
 *	  accept         accepts as well   +-fork-- child (session 0)
 */
FIXTURE_VARIANT_ADD(tree, server_in_a_session) {
	.serve = serve_nested,
	.connections = 2,
	.nested = true,
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

static void expect_endpoint(struct __test_metadata *_metadata, const struct sshobs_endpoint *end,
			    int family, uint16_t port)
{
	static const __u8 loopback4[16] = { 127, 0, 0, 1 };
	static const __u8 loopback6[16] = { [15] = 1 };

	EXPECT_EQ(family, end->family);
	EXPECT_EQ(port, end->port);
	EXPECT_EQ(0, memcmp(end->addr, family == AF_INET6 ? loopback6 : loopback4, 16));
	EXPECT_EQ(0U, end->scope_id);
}

static void expect_accept(struct __test_metadata *_metadata, const struct log *log,
			  uint64_t session, const struct conn *conn, int family, uint16_t port)
{
	const struct sshobs_hdr *hdr = log_find(log, WANT(.session = session));
	const struct sshobs_accept *rec = body(hdr);

	ASSERT_EQ(SSHOBS_ACCEPT, hdr->type);
	EXPECT_EQ(1U, log_count(log, IN(SSHOBS_ACCEPT, session)));
	EXPECT_EQ((__u32)conn->acceptor, hdr->pid);
	EXPECT_EQ((__u32)conn->acceptor_tid, hdr->tid);
	expect_endpoint(_metadata, &rec->peer, family, conn->port);
	expect_endpoint(_metadata, &rec->local, family, port);
	EXPECT_EQ(conn->cookie, rec->cookie);
	EXPECT_LE(rec->start_ns, hdr->time_ns);
	EXPECT_GT(rec->start_ns + 1000000000, hdr->time_ns);
}

/* The clone record of a member; NULL, having failed, where there is not exactly one. */
static const struct sshobs_hdr *find_clone(struct __test_metadata *_metadata,
					   const struct log *log, uint64_t session, pid_t child)
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

static void expect_clone(struct __test_metadata *_metadata, const struct log *log,
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
	if (!member->how)
		EXPECT_EQ((__u32)member->parent_tid, hdr->tid);
	EXPECT_EQ(member->how, rec->how);
	EXPECT_EQ(member->how ? 0 : member->flags, rec->flags) TH_LOG("of %d", member->pid);
	EXPECT_LE(rec->start_ns, hdr->time_ns);
	/* Nothing of the child comes before it. */
	first = log_index(log, WANT(.session = session, .pid = member->pid), 0);
	if (first >= 0)
		EXPECT_LT(hdr->seq, log->recs[first]->seq) TH_LOG("of %d", member->pid);
}

static void expect_exit(struct __test_metadata *_metadata, const struct log *log,
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
	while ((i = log_index(log, WANT(.session = session, .pid = member->pid), i + 1)) >= 0)
		EXPECT_TRUE(log->recs[i]->type == SSHOBS_CLOSE || log->recs[i]->type == SSHOBS_END)
			TH_LOG("%s of %d after its exit", type_name(log->recs[i]->type),
			       member->pid);
}

static void expect_member(struct __test_metadata *_metadata, const struct log *log,
			  uint64_t session, const struct member *member)
{
	const struct want execs = OF(SSHOBS_EXEC, session, member->pid);

	expect_clone(_metadata, log, session, member);
	expect_exit(_metadata, log, session, member);
	EXPECT_EQ(member->execs, log_count(log, execs)) TH_LOG("of %d", member->pid);
}

static const struct member *member_of(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < scene->members; i++)
		if (scene->member[i].pid == pid)
			return &scene->member[i];
	return NULL;
}

/* What a session tells, it tells of its own members. */
static void expect_no_strangers(struct __test_metadata *_metadata, const struct log *log,
				uint64_t session, int conn)
{
	ssize_t i = -1;

	while ((i = log_index(log, WANT(.session = session), i + 1)) >= 0) {
		const struct sshobs_hdr *hdr = log->recs[i];
		const struct member *member;

		switch (hdr->type) {
		case SSHOBS_ACCEPT:
		case SSHOBS_CLONE:
		case SSHOBS_CLOSE:
		case SSHOBS_END:
			continue;	/* a server may do that */
		}
		member = member_of(hdr->pid);
		EXPECT_TRUE(member && member->conn == conn)
			TH_LOG("%s of %u", type_name(hdr->type), hdr->pid);
	}
}

static void expect_close(struct __test_metadata *_metadata, const struct log *log,
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
	/* The server's hello. */
	EXPECT_EQ(1ULL, rec->bytes_sent);
	EXPECT_EQ(0U, rec->flags);
}

static void expect_end(struct __test_metadata *_metadata, const struct log *log,
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
	EXPECT_EQ(0U, rec->incomplete);
	EXPECT_EQ(hdr->session_seq, log_count(log, WANT(.session = session)));
	EXPECT_GE(hdr->time_ns - start->time_ns + 1000000000, rec->duration_ns);
	EXPECT_LE(hdr->time_ns - start->time_ns, rec->duration_ns + 1000000000);
}

/* Compare all that the stream tells of a connection with what its processes said. */
static void expect_session(struct __test_metadata *_metadata, const struct log *log,
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

/* Who belongs nowhere is not told of, but as a child of a server that is none. */
static void expect_nothing_of_others(struct __test_metadata *_metadata, const struct log *log)
{
	unsigned int i;
	ssize_t at;

	for (i = 0; i < scene->members; i++) {
		const struct member *member = &scene->member[i];

		if (member->conn != NOWHERE)
			continue;
		EXPECT_EQ(-1, log_index(log, WANT(.pid = member->pid), 0))
			TH_LOG("a record of %d", member->pid);
		for (at = -1; (at = log_index(log, WANT(.type = SSHOBS_CLONE), at + 1)) >= 0;)
			EXPECT_NE((__u32)member->pid,
				  ((const struct sshobs_clone *)body(log->recs[at]))->child);
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
	for (i = 0; i < connections; i++)
		ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, session[i])));
	ASSERT_TRUE(log_sync(&self->log));

	for (i = 0; i < connections; i++) {
		bool nested = variant->nested && i == connections - 1;

		expect_session(_metadata, &self->log, session[i], i, family,
			       nested ? PORT_NESTED : PORT);
	}
	expect_nothing_of_others(_metadata, &self->log);
	expect_stream_in_order(_metadata, &self->log);
}

/* --- one member, and what it does -------------------------------------------- */

/* A plain server with one child; each test gives the child its part. */
FIXTURE(member) {
	struct log	log;
	pid_t		server;
	int		client;
	int		release;
	uint64_t	session;
};

FIXTURE_SETUP(member)
{
	clean_start();
	ASSERT_EQ(0, module_want(PORTS));
	ASSERT_TRUE(log_open(&self->log));
}

FIXTURE_TEARDOWN(member)
{
	if (!_metadata->passed)
		log_print(&self->log, self->session);
	log_close(&self->log);
}

static void (*part)(int sock);

static void serve_part(void)
{
	int sock = take();

	/* Another server may come. */
	close(listener);
	close(nested_listener);
	if (!born(0)) {
		part(sock);
		leave(3);
	}
	hello(sock);
	close(sock);
}

/* Let a child play its part, and have its whole session in the log. */
static void play(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self,
		 void (*child)(int sock))
{
	part = child;
	self->release = scene_start(AF_INET, serve_part, &self->server);
	ASSERT_LE(0, self->release);
	self->client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	ASSERT_LE(0, self->client);
	ASSERT_EQ(1, read_byte(self->client));
	close(self->client);
	ASSERT_EQ(0, wait_for(self->server));
	close(self->release);
	self->session = log_wait_session(&self->log, scene->conn[0].port);
	ASSERT_NE(0ULL, self->session);
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, self->session)));
	ASSERT_EQ(3, scene->member[0].code) TH_LOG("the child failed in its part");
	expect_session(_metadata, &self->log, self->session, 0, AF_INET, PORT);
}

static size_t count_of(FIXTURE_DATA(member) *self, unsigned int type)
{
	return log_count(&self->log, IN(type, self->session));
}

/* The nth body of a type. */
static const void *nth(FIXTURE_DATA(member) *self, unsigned int type, size_t n)
{
	ssize_t i = -1;

	do {
		i = log_index(&self->log, IN(type, self->session), i + 1);
		if (i < 0)
			return NULL;
	} while (n--);
	return body(self->log.recs[i]);
}

/* --- clone_fail --- */

static void fork_to_the_limit(int sock)
{
	const struct rlimit limit = { .rlim_cur = 3, .rlim_max = 7 };
	int stay[2];
	pid_t pid;

	(void)sock;
	/* A user of its own: zombies of other tests would count. */
	if (pipe(stay) || setresuid(NOBODY + 1, NOBODY + 1, NOBODY + 1) || setrlimit(RLIMIT_NPROC, &limit))
		_exit(126);
	do {
		pid = born(0);
		if (!pid) {
			close(stay[1]);
			until_closed(stay[0]);
			leave(4);
		}
	} while (pid > 0);
	scene->number = errno;
	close(stay[1]);
	while (wait(NULL) > 0)
		;
}

TEST_F(member, a_fork_beyond_RLIMIT_NPROC_is_told_with_the_limit)
{
	const struct sshobs_clone_fail *rec;

	play(_metadata, self, fork_to_the_limit);
	/* The child and two of its own. */
	EXPECT_EQ(3U, scene->members);
	EXPECT_EQ(EAGAIN, scene->number);
	ASSERT_EQ(1U, count_of(self, SSHOBS_CLONE_FAIL));
	rec = nth(self, SSHOBS_CLONE_FAIL, 0);
	EXPECT_EQ(EAGAIN, (int)rec->error);
	EXPECT_EQ(3ULL, rec->nproc_soft);
	EXPECT_EQ(7ULL, rec->nproc_hard);
	EXPECT_EQ(3ULL, rec->nproc_used);
}

static void fork_badly(int sock)
{
	(void)sock;
	/* The two exclude each other. */
	scene->number = raw_clone(CLONE_NEWNS | CLONE_FS) < 0 ? errno : 0;
}

TEST_F(member, a_fork_with_bad_flags_is_told_with_its_error)
{
	const struct sshobs_clone_fail *rec;
	struct rlimit limit;

	getrlimit(RLIMIT_NPROC, &limit);
	play(_metadata, self, fork_badly);
	EXPECT_EQ(EINVAL, scene->number);
	ASSERT_EQ(1U, count_of(self, SSHOBS_CLONE_FAIL));
	rec = nth(self, SSHOBS_CLONE_FAIL, 0);
	EXPECT_EQ(EINVAL, (int)rec->error);
	EXPECT_EQ(limit.rlim_cur == RLIM_INFINITY ? SSHOBS_UNLIMITED : limit.rlim_cur,
		  rec->nproc_soft);
}

/* --- exec_fail --- */

#define NO_FORMAT	"/tmp/selftest-no-format"
#define NO_INTERPRETER	"/tmp/selftest-no-interpreter"
#define NO_PERMISSION	"/tmp/selftest-no-permission"
#define SETUID_TRUE	"/tmp/selftest-setuid-true"

static void make_programs(struct __test_metadata *_metadata)
{
	ASSERT_TRUE(write_file(NO_FORMAT, "\1\2\3\4 nothing", 12));
	ASSERT_TRUE(write_file(NO_INTERPRETER, "#!/no/such/shell\n", 17));
	ASSERT_TRUE(write_file(NO_PERMISSION, "#!/bin/sh\n", 10));
	ASSERT_EQ(0, chmod(NO_FORMAT, 0755));
	ASSERT_EQ(0, chmod(NO_INTERPRETER, 0755));
	ASSERT_EQ(0, chmod(NO_PERMISSION, 0644));
}

static char long_name[300];

static const struct {
	const char	*path;
	int		error;
} failing[] = {
	{ "/no/such/program", ENOENT },
	{ "no-such-program", ENOENT },
	{ "/etc/passwd/program", ENOTDIR },
	{ NO_PERMISSION, EACCES },
	{ "/tmp", EACCES },
	{ NO_FORMAT, ENOEXEC },
	{ NO_INTERPRETER, ENOENT },
	{ long_name, ENAMETOOLONG },
};

static void exec_in_vain(int sock)
{
	size_t i;

	(void)sock;
	memset(long_name, 'n', sizeof(long_name) - 1);
	for (i = 0; i < ARRAY_SIZE(failing); i++) {
		execl(failing[i].path, "program", NULL);
		if (errno != failing[i].error)
			_exit(126);
	}
}

static void expect_failed_exec(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self,
			       size_t n, const char *path, int error)
{
	const struct sshobs_exec_fail *rec = nth(self, SSHOBS_EXEC_FAIL, n);

	ASSERT_NE(NULL, rec);
	EXPECT_EQ(error, (int)rec->error) TH_LOG("%s", path);
	EXPECT_EQ(strlen(path), rec->path_len) TH_LOG("%s", path);
	EXPECT_EQ(strlen(path), rec->path_total) TH_LOG("%s", path);
	EXPECT_EQ(0, memcmp(rec->data, path, rec->path_len))
		TH_LOG("%s: %.*s", path, rec->path_len, rec->data);
}

TEST_F(member, a_failed_exec_is_told_with_path_and_error)
{
	size_t i;

	make_programs(_metadata);
	play(_metadata, self, exec_in_vain);
	memset(long_name, 'n', sizeof(long_name) - 1);
	EXPECT_EQ(ARRAY_SIZE(failing), count_of(self, SSHOBS_EXEC_FAIL));
	for (i = 0; i < ARRAY_SIZE(failing); i++)
		expect_failed_exec(_metadata, self, i, failing[i].path, failing[i].error);
}

static void exec_along_the_path(int sock)
{
	(void)sock;
	setenv("PATH", "/no/a:/no/b:/no/c", 1);
	execlp("some-program", "some-program", NULL);
}

TEST_F(member, each_miss_along_PATH_is_told)
{
	play(_metadata, self, exec_along_the_path);
	EXPECT_EQ(3U, count_of(self, SSHOBS_EXEC_FAIL));
	expect_failed_exec(_metadata, self, 0, "/no/a/some-program", ENOENT);
	expect_failed_exec(_metadata, self, 1, "/no/b/some-program", ENOENT);
	expect_failed_exec(_metadata, self, 2, "/no/c/some-program", ENOENT);
}

/* env(1) tries each folder of PATH with execve(); shells ask stat() before. */
static const char *const sought_script =
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin;"
	"/usr/bin/env true; /usr/bin/env no-such-program; /usr/bin/env cat </dev/null;"
	NO_PERMISSION "; " NO_INTERPRETER "; exit 0";

#define TRACE		"/tmp/selftest-strace"

static void exec_under_strace(int sock)
{
	(void)sock;
	if (!born(0)) {
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		become("/usr/bin/strace", "-f", "-qq", "-o", TRACE, "-e",
		       "trace=execve,execveat", "/bin/sh", "-c", sought_script, NULL);
	}
	wait(NULL);
}

TEST_F(member, failed_execs_are_those_that_strace_sees)
{
	char *trace, *line, *next, path[256];
	size_t failed = 0, done = 0;

	if (access("/usr/bin/strace", X_OK))
		SKIP(return, "there is no strace");
	make_programs(_metadata);
	unlink(TRACE);
	/* Not play(): the processes under strace do not enlist. */
	part = exec_under_strace;
	self->release = scene_start(AF_INET, serve_part, &self->server);
	self->client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	ASSERT_EQ(1, read_byte(self->client));
	ASSERT_EQ(0, wait_for(self->server));
	self->session = log_wait_session(&self->log, scene->conn[0].port);
	close(self->client);
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, self->session)));

	trace = read_file(TRACE);
	ASSERT_NE(NULL, trace);
	/* PID execve("PATH", [ARGS], ...) = -1 ENOENT (No such file or directory) */
	for (line = trace; *line; line = next) {
		pid_t pid;
		bool miss = true;

		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		if (sscanf(line, "%d execve(\"%255[^\"]", &pid, path) != 2)
			continue;
		if (strstr(line, "= 0")) {
			done++;
			continue;
		}
		miss = strstr(line, "-1 ENOENT");
		expect_failed_exec(_metadata, self, failed++, path, miss ? ENOENT : EACCES);
		EXPECT_EQ((__u32)pid, ((const struct sshobs_hdr *)
			((const char *)nth(self, SSHOBS_EXEC_FAIL, failed - 1) -
			 sizeof(struct sshobs_hdr)))->pid);
	}
	EXPECT_LT(8U, failed) TH_LOG("%s", trace);
	EXPECT_EQ(failed, count_of(self, SSHOBS_EXEC_FAIL));
	/* All programs, and strace itself. */
	EXPECT_EQ(done + 1, count_of(self, SSHOBS_EXEC));
	free(trace);
}

static void exec_too_much(int sock)
{
	const size_t len = 256 * 1024;
	char *arg = malloc(len + 1);

	(void)sock;
	memset(arg, 'x', len);
	arg[len] = '\0';
	execl("/bin/true", "true", arg, NULL);
	scene->number = errno;
}

TEST_F(member, an_exec_with_too_long_arguments_is_told_as_E2BIG)
{
	play(_metadata, self, exec_too_much);
	EXPECT_EQ(E2BIG, scene->number);
	ASSERT_EQ(1U, count_of(self, SSHOBS_EXEC_FAIL));
	expect_failed_exec(_metadata, self, 0, "/bin/true", E2BIG);
}

/* --- exec --- */

static void exec_with_arguments(int sock)
{
	(void)sock;
	if (!born(0)) {
		me->code = 9;
		become("/bin/sh", "-c", "exit 9", "", "two words", NULL);
	}
	wait(NULL);
}

TEST_F(member, an_exec_has_path_arguments_and_user)
{
	static const char argv[] = "/bin/sh\0-c\0exit 9\0\0two words";
	const struct sshobs_exec *rec;

	play(_metadata, self, exec_with_arguments);
	ASSERT_EQ(1U, count_of(self, SSHOBS_EXEC));
	rec = nth(self, SSHOBS_EXEC, 0);
	EXPECT_EQ(0U, rec->uid);
	EXPECT_EQ(0U, rec->flags);
	EXPECT_STREQ("", rec->tty);
	ASSERT_EQ(strlen("/bin/sh"), rec->path_len);
	EXPECT_EQ(rec->path_len, rec->path_total);
	EXPECT_EQ(0, memcmp(rec->data, "/bin/sh", rec->path_len));
	ASSERT_EQ(sizeof(argv), rec->argv_len);
	EXPECT_EQ(rec->argv_len, rec->argv_total);
	EXPECT_EQ(0, memcmp(rec->data + rec->path_len, argv, sizeof(argv)));
}

static void exec_script(int sock)
{
	(void)sock;
	if (!born(0)) {
		me->code = 6;
		become("/tmp/selftest-script", "argument", NULL);
	}
	wait(NULL);
}

TEST_F(member, an_exec_of_a_script_is_one_exec_with_its_path)
{
	static const char argv[] = "/bin/sh\0-e\0/tmp/selftest-script\0argument";
	static const char script[] = "#!/bin/sh -e\nexit 6\n";
	const struct sshobs_exec *rec;

	ASSERT_TRUE(write_file("/tmp/selftest-script", script, strlen(script)));
	ASSERT_EQ(0, chmod("/tmp/selftest-script", 0755));
	play(_metadata, self, exec_script);
	ASSERT_EQ(1U, count_of(self, SSHOBS_EXEC));
	rec = nth(self, SSHOBS_EXEC, 0);
	EXPECT_EQ(strlen("/tmp/selftest-script"), rec->path_len);
	EXPECT_EQ(0, memcmp(rec->data, "/tmp/selftest-script", rec->path_len));
	ASSERT_EQ(sizeof(argv), rec->argv_len);
	EXPECT_EQ(0, memcmp(rec->data + rec->path_len, argv, sizeof(argv)));
}

/* --- cred --- */

static bool set_effective_caps(__u32 low)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return false;
	data[0].effective = low;
	data[1].effective = 0;
	return !syscall(SYS_capset, &header, data);
}

static void change_credentials(int sock)
{
	(void)sock;
	/* No changes, and no records. */
	if (setuid(0) || setgid(0) || setresuid(-1, -1, -1) || setresuid(0, 0, 0) ||
	    setresgid(0, 0, 0))
		_exit(126);
	if (!set_effective_caps(1U << CAP_SETUID | 1U << CAP_SETGID))
		_exit(126);
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(-1, NOBODY, -1) ||
	    setresuid(-1, 0, -1) || setresuid(NOBODY, NOBODY, NOBODY))
		_exit(126);
	/* Again, and no record. */
	if (setresuid(NOBODY, NOBODY, NOBODY) || setuid(NOBODY) || setgid(NOBODY))
		_exit(126);
	if (!born(0))
		become(SETUID_TRUE, NULL);
	wait(NULL);
}

static void expect_ids(struct __test_metadata *_metadata, const struct sshobs_ids *ids,
		       __u32 uid, __u32 euid, __u32 suid, __u32 gid)
{
	EXPECT_EQ(uid, ids->uid);
	EXPECT_EQ(euid, ids->euid);
	EXPECT_EQ(suid, ids->suid);
	EXPECT_EQ(gid, ids->gid);
}

TEST_F(member, credentials_are_told_when_they_change_and_only_then)
{
	const struct sshobs_cred *rec[6];
	int i;

	ASSERT_EQ(0, run_shell("cp /bin/true " SETUID_TRUE " && chmod 4755 " SETUID_TRUE));
	play(_metadata, self, change_credentials);
	ASSERT_EQ(6U, count_of(self, SSHOBS_CRED));
	for (i = 0; i < 6; i++) {
		rec[i] = nth(self, SSHOBS_CRED, i);
		/* Each begins where the one before ended. */
		if (i)
			EXPECT_EQ(0, memcmp(&rec[i - 1]->after, &rec[i]->before,
					    sizeof(rec[i]->before)));
	}
	expect_ids(_metadata, &rec[0]->before, 0, 0, 0, 0);
	expect_ids(_metadata, &rec[0]->after, 0, 0, 0, 0);
	EXPECT_LT(1ULL << CAP_SYS_ADMIN, rec[0]->before.cap_eff);
	EXPECT_EQ(1ULL << CAP_SETUID | 1ULL << CAP_SETGID, rec[0]->after.cap_eff);
	expect_ids(_metadata, &rec[1]->after, 0, 0, 0, NOBODY);
	expect_ids(_metadata, &rec[2]->after, 0, NOBODY, 0, NOBODY);
	EXPECT_EQ(0ULL, rec[2]->after.cap_eff);
	expect_ids(_metadata, &rec[3]->after, 0, 0, 0, NOBODY);
	EXPECT_LT(1ULL << CAP_SYS_ADMIN, rec[3]->after.cap_eff);
	expect_ids(_metadata, &rec[4]->after, NOBODY, NOBODY, NOBODY, NOBODY);
	EXPECT_EQ(0ULL, rec[4]->after.cap_eff);
	/* A set-user-id program. */
	expect_ids(_metadata, &rec[5]->after, NOBODY, 0, 0, NOBODY);
	EXPECT_LT(1ULL << CAP_SYS_ADMIN, rec[5]->after.cap_eff);
}

/* --- pty and prompt --- */

static int open_master(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	return grantpt(master) || unlockpt(master) ? -1 : master;
}

static int pts_of(int master)
{
	int pts = -1;

	ioctl(master, TIOCGPTN, &pts);
	return pts;
}

static void open_two_ptys(int sock)
{
	int first = open_master(), second = open_master();

	(void)sock;
	scene->number = pts_of(first) << 8 | pts_of(second);
}

TEST_F(member, each_pseudo_terminal_is_told_with_its_index)
{
	const struct sshobs_pty *rec;

	play(_metadata, self, open_two_ptys);
	ASSERT_EQ(2U, count_of(self, SSHOBS_PTY));
	rec = nth(self, SSHOBS_PTY, 0);
	EXPECT_EQ((__u32)scene->number >> 8, rec->pts);
	rec = nth(self, SSHOBS_PTY, 1);
	EXPECT_EQ(scene->number & 255, (int)rec->pts);
	EXPECT_EQ(0U, count_of(self, SSHOBS_PROMPT));
}

/* A shell of a kind: it asks twice, execs itself, asks twice, and ends with 11. */
static int play_shell(int argc, char **argv)
{
	struct pollfd poll_fd = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[16];
	int i;

	(void)argv;
	for (i = 0; i < 2; i++) {
		poll(&poll_fd, 1, SECONDS * 1000);
		if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
			return 126;
	}
	if (argc > 2)
		execl(self_path(), self_path(), "role:shell", NULL);
	return 11;
}

static void run_shell_on_a_pty(int sock)
{
	struct pollfd poll_fd = { .events = POLLIN };
	int master = open_master(), slave;
	char echo[64];

	(void)sock;
	scene->number = pts_of(master);
	if (!born(0)) {
		me->code = 11;
		me->execs = 1;
		setsid();
		slave = open(ptsname(master), O_RDWR);
		/* Before its exec it is no shell: this must not count. */
		poll_fd.fd = slave;
		poll(&poll_fd, 1, 0);
		dup2(slave, STDIN_FILENO);
		become(self_path(), "role:shell", "twice", NULL);
	}
	/* The terminal keeps them until they are read, one line at a time. */
	if (write(master, "1\n2\n3\n4\n", 8) != 8)
		_exit(126);
	/* The master's side is no prompt, either. */
	poll_fd.fd = master;
	poll(&poll_fd, 1, SECONDS * 1000);
	if (read(master, echo, sizeof(echo)) <= 0)
		_exit(126);
	wait(NULL);
}

TEST_F(member, a_prompt_is_told_once_after_each_exec)
{
	const struct sshobs_exec *exec;
	const struct sshobs_pty *rec;
	char tty[32];
	ssize_t at[4];
	pid_t shell;
	int i;

	play(_metadata, self, run_shell_on_a_pty);
	shell = scene->member[1].pid;
	ASSERT_EQ(2U, count_of(self, SSHOBS_PROMPT));
	for (i = 0; i < 2; i++) {
		rec = nth(self, SSHOBS_PROMPT, i);
		EXPECT_EQ((__u32)scene->number, rec->pts);
	}
	at[0] = log_index(&self->log, OF(SSHOBS_EXEC, self->session, shell), 0);
	at[1] = log_index(&self->log, OF(SSHOBS_PROMPT, self->session, shell), 0);
	at[2] = log_index(&self->log, OF(SSHOBS_EXEC, self->session, shell), at[0] + 1);
	at[3] = log_index(&self->log, OF(SSHOBS_PROMPT, self->session, shell), at[1] + 1);
	for (i = 1; i < 4; i++)
		EXPECT_LT(at[i - 1], at[i]);
	/* Its terminal is its controlling one. */
	snprintf(tty, sizeof(tty), "pts/%d", scene->number);
	exec = nth(self, SSHOBS_EXEC, 0);
	EXPECT_STREQ(tty, exec->tty);
}

/* --- mark --- */

static void mark_by_member(int sock)
{
	(void)sock;
	if (mark("from inside", 11) != 11)
		_exit(126);
}

TEST_F(member, a_mark_of_a_member_is_of_its_session)
{
	const struct sshobs_mark *rec;

	play(_metadata, self, mark_by_member);
	ASSERT_EQ(1U, count_of(self, SSHOBS_MARK));
	rec = nth(self, SSHOBS_MARK, 0);
	ASSERT_EQ(11U, rec->text_len);
	EXPECT_EQ(0, memcmp(rec->text, "from inside", 11));
}

/* --- exit and close --- */

static void burn_cpu(int sock)
{
	struct timespec used;

	(void)sock;
	if (!born(0)) {
		mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		do
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
		while (used.tv_nsec < 100000000 && !used.tv_sec);
		leave(4);
	}
	wait(NULL);
}

TEST_F(member, an_exit_has_the_times_and_the_memory)
{
	const struct sshobs_hdr *hdr;
	const struct sshobs_exit *rec;

	play(_metadata, self, burn_cpu);
	hdr = log_find(&self->log, OF(SSHOBS_EXIT, self->session, scene->member[1].pid));
	rec = body(hdr);
	EXPECT_LE(100000000ULL, rec->utime_ns + rec->stime_ns);
	EXPECT_GT(20000000000ULL, rec->utime_ns + rec->stime_ns);
	EXPECT_LE(8U << 10, rec->maxrss_kb);
	EXPECT_LE(100000000ULL, hdr->cpu_ns);
}

TEST_F(member, a_connection_that_the_peer_resets_is_closed_as_reset)
{
	const struct sshobs_close *rec;

	self->release = scene_start(AF_INET, serve_fork, &self->server);
	self->client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	ASSERT_EQ(1, read_byte(self->client));
	reset(self->client);
	ASSERT_EQ(0, wait_for(self->server));
	self->session = log_wait_session(&self->log, scene->conn[0].port);
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, self->session)));
	rec = nth(self, SSHOBS_CLOSE, 0);
	EXPECT_EQ(SSHOBS_CLOSE_RESET, rec->flags);
}

static void echo_bytes(int sock)
{
	char bytes[5000];
	ssize_t n, left = sizeof(bytes);

	while (left && (n = read(sock, bytes, left)) > 0)
		left -= n;
	memset(bytes, 'x', 700);
	if (left || write(sock, bytes, 700) != 700)
		_exit(126);
	until_closed(sock);
}

TEST_F(member, a_close_has_the_bytes_of_both_directions)
{
	const struct sshobs_close *rec;
	char bytes[5000] = {};

	part = echo_bytes;
	self->release = scene_start(AF_INET, serve_part, &self->server);
	self->client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	ASSERT_EQ((ssize_t)sizeof(bytes), write(self->client, bytes, sizeof(bytes)));
	ASSERT_EQ(701, recv(self->client, bytes, 701, MSG_WAITALL));
	close(self->client);
	ASSERT_EQ(0, wait_for(self->server));
	self->session = log_wait_session(&self->log, scene->conn[0].port);
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, self->session)));
	rec = nth(self, SSHOBS_CLOSE, 0);
	EXPECT_EQ(5000ULL, rec->bytes_received);
	EXPECT_EQ(701ULL, rec->bytes_sent);
	EXPECT_LT(0U, rec->srtt_us);
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
	/* accept, close, end and the mark. */
	EXPECT_EQ(4U, self->log.count);
}

/* --- blinding --------------------------------------------------------------- */

#define BLOCKED		70
#define SLEEPERS	200

/* Unprivileged servers on ports of their own that sleep in accept(). */
static bool block_in_accept(pid_t pids[BLOCKED], int ports[BLOCKED])
{
	int i;

	for (i = 0; i < BLOCKED; i++) {
		int sock = listen_on(AF_INET, 0);

		ports[i] = port_of(sock);
		pids[i] = fork();
		if (!pids[i]) {
			if (!become_nobody())
				_exit(1);
			_exit(accept(sock, NULL, NULL) < 0);
		}
		close(sock);
	}
	for (i = 0; i < BLOCKED; i++)
		if (!wait_in_syscall(pids[i], SYS_accept))
			return false;
	return true;
}

/* A vfork() whose child sleeps keeps its parent inside the call. */
static void sleep_in_vfork(int sock)
{
	char byte;
	pid_t pid;
	int i;

	(void)sock;
	for (i = 0; i < SLEEPERS; i++) {
		if (born(0))
			continue;
		pid = vfork();
		if (!pid) {
			/* Only system calls here: the memory is the parent's. */
			__atomic_fetch_add(&scene->number, 1, __ATOMIC_SEQ_CST);
			(void)!read(hold, &byte, 1);
			_exit(5);
		}
		enlist(pid, 0)->flags = CLONE_VM | CLONE_VFORK;
		scene->member[scene->members - 1].code = 5;
		leave(4);
	}
	while (wait(NULL) > 0)
		;
}

TEST_F(member, nobody_can_blind_another_login)
{
	struct sshobs_stats stats;
	pid_t blocked[BLOCKED], noisy_server;
	int ports[BLOCKED], noisy_client, noisy_release;
	const struct sshobs_end *end;
	struct scene *noisy;
	uint64_t start, noisy_session;
	size_t i;

	ASSERT_TRUE(block_in_accept(blocked, ports));
	part = sleep_in_vfork;
	noisy_release = scene_start(AF_INET, serve_part, &noisy_server);
	ASSERT_LE(0, noisy_release);
	noisy = scene;
	noisy_client = connect_to(AF_INET, PORT, &noisy->conn[0].port);
	ASSERT_LE(0, noisy_client);
	for (start = now_ms(); *(volatile int *)&noisy->number < SLEEPERS; sched_yield())
		ASSERT_GT(start + SECONDS * 1000, now_ms());
	noisy_session = log_wait_session(&self->log, noisy->conn[0].port);
	/* Its server accepts no more: the port is free for the quiet one. */

	make_programs(_metadata);
	play(_metadata, self, exec_in_vain);
	memset(long_name, 'n', sizeof(long_name) - 1);
	EXPECT_EQ(ARRAY_SIZE(failing), count_of(self, SSHOBS_EXEC_FAIL));
	for (i = 0; i < ARRAY_SIZE(failing); i++)
		expect_failed_exec(_metadata, self, i, failing[i].path, failing[i].error);
	ASSERT_EQ(0, ioctl(self->log.fd, SSHOBS_IOC_STATS, &stats));
	EXPECT_EQ(0ULL, stats.missed);

	close(noisy_release);
	close(noisy_client);
	ASSERT_EQ(0, wait_for(noisy_server));
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, noisy_session)));
	/* Nor did the noisy one lose a process. */
	end = body(log_find(&self->log, IN(SSHOBS_END, noisy_session)));
	EXPECT_EQ(1U + 2 * SLEEPERS, end->processes);
	EXPECT_EQ(1U + 2 * SLEEPERS,
		  log_count(&self->log, IN(SSHOBS_CLONE, noisy_session)));
	EXPECT_EQ(1U + 2 * SLEEPERS, log_count(&self->log, IN(SSHOBS_EXIT, noisy_session)));
	EXPECT_EQ(0U, end->incomplete & ~SSHOBS_INCOMPLETE_UNWATCHED);
}

TEST_F(member, the_module_unloads_under_70_processes_blocked_in_accept)
{
	pid_t blocked[BLOCKED];
	int ports[BLOCKED], i, client;

	/* They must not inherit an open device. */
	log_close(&self->log);
	ASSERT_TRUE(block_in_accept(blocked, ports));
	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(0, module_want(PORTS));
	ASSERT_TRUE(log_open(&self->log));
	/* They return as if nothing had been. */
	for (i = 0; i < BLOCKED; i++) {
		client = connect_to(AF_INET, ports[i], NULL);
		EXPECT_LE(0, client);
		EXPECT_EQ(0, wait_for(blocked[i]));
		close(client);
	}
}

static void wait_for_release(int sock)
{
	(void)sock;
	until_closed(hold);
}

TEST_F(member, the_module_unloads_while_members_sleep_and_servers_wait)
{
	pid_t sleeper;
	int server, client;

	/* None of them must inherit an open device. */
	log_close(&self->log);
	/* One server blocked in accept() on a watched port, whose slot is in use. */
	server = listen_on(AF_INET, PORT_OTHER);
	sleeper = fork();
	if (!sleeper)
		_exit(accept(server, NULL, NULL) < 0);
	ASSERT_TRUE(wait_in_syscall(sleeper, SYS_accept));
	close(server);

	part = wait_for_release;
	self->release = scene_start(AF_INET, serve_part, &self->server);
	ASSERT_LE(0, self->release);
	self->client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	ASSERT_EQ(1, read_byte(self->client));

	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(0, module_want(PORTS));
	ASSERT_TRUE(log_open(&self->log));
	close(self->release);
	close(self->client);
	EXPECT_EQ(0, wait_for(self->server));
	client = connect_to(AF_INET, PORT_OTHER, NULL);
	EXPECT_LE(0, client);
	EXPECT_EQ(0, wait_for(sleeper));
}

/* --- bounds ----------------------------------------------------------------- */

FIXTURE(bound) {
	struct log		log;
	struct sshobs_stats	before;
};

FIXTURE_VARIANT(bound) {
	const char	*params;
};

FIXTURE_SETUP(bound)
{
	clean_start();
	/* Counters from 0. */
	ASSERT_EQ(0, module_reload(variant->params));
	ASSERT_TRUE(log_open(&self->log));
}

FIXTURE_TEARDOWN(bound)
{
	if (!_metadata->passed)
		log_print(&self->log, ANY_SESSION);
	log_close(&self->log);
}

/* Two sessions at the most. */
FIXTURE_VARIANT_ADD(bound, sessions) {
	.params = PORTS " max_sessions=2",
};

/* The server, its child and one more. */
FIXTURE_VARIANT_ADD(bound, tasks) {
	.params = PORTS " max_tasks=3",
};

static void serve_three_at_once(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		int sock = take();

		if (!born(i)) {
			if (!born(i))
				leave(4);
			until_closed(sock);
			leave(3);
		}
		hello(sock);
		close(sock);
	}
}

TEST_F(bound, is_counted_and_told_and_nothing_else_is_wrong)
{
	bool tasks = strstr(variant->params, "max_tasks");
	struct sshobs_stats stats;
	int client[3], i, release;
	unsigned int incomplete = 0;
	ssize_t at = -1;
	pid_t server;

	release = scene_start(AF_INET, serve_three_at_once, &server);
	for (i = 0; i < 3; i++) {
		client[i] = connect_to(AF_INET, PORT, &scene->conn[i].port);
		ASSERT_LE(0, client[i]);
		ASSERT_EQ(1, read_byte(client[i]));
	}
	for (i = 0; i < 3; i++)
		close(client[i]);
	close(release);
	ASSERT_EQ(0, wait_for(server));
	ASSERT_TRUE(log_wait_count(&self->log, WANT(.type = SSHOBS_END), tasks ? 3 : 2));
	ASSERT_TRUE(log_sync(&self->log));
	ASSERT_EQ(0, ioctl(self->log.fd, SSHOBS_IOC_STATS, &stats));
	EXPECT_EQ(0ULL, stats.sessions);
	EXPECT_EQ(0ULL, stats.tasks);

	if (!tasks) {
		EXPECT_EQ(2U, log_count(&self->log, WANT(.type = SSHOBS_ACCEPT)));
		EXPECT_EQ(1ULL, stats.sessions_untracked);
		EXPECT_EQ(2ULL, stats.sessions_total);
		for (i = 0; i < 2; i++)
			expect_session(_metadata, &self->log, i + 1, i, AF_INET, PORT);
		return;
	}
	EXPECT_EQ(3U, log_count(&self->log, WANT(.type = SSHOBS_ACCEPT)));
	EXPECT_LT(0ULL, stats.tasks_untracked);
	while ((at = log_index(&self->log, WANT(.type = SSHOBS_END), at + 1)) >= 0)
		incomplete |= ((const struct sshobs_end *)body(self->log.recs[at]))->incomplete;
	EXPECT_EQ(SSHOBS_INCOMPLETE_TASKS, incomplete);
}

SELFTEST_MAIN({ "shell", play_shell },)
