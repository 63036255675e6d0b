// SPDX-License-Identifier: GPL-2.0
/*
 * Links in a storm: several logins and a stranger fork in every way there is, as fast as
 * they can, while pids are few and come again and again. Each process bears a name that
 * says who it is, which the kernel writes into its records: the truth travels with the
 * stream, and needs no pid.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "member.h"

#define PID_MAX		"/proc/sys/kernel/pid_max"
#define LOGINS		6
#define LOGINS_MAX	500
/* One more, who forks and has no connection. */
#define STRANGER	LOGINS_MAX
/* Connections that a server of the other kind accepts before it serves the first one. */
#define SEVERAL		8
#define CHILDREN_MAX	24000

/**
 * struct child - a process, by its own word
 * @pid: what getpid() says; 0: it cannot know, in a pid namespace of its own
 * @forker: which login it is of, or STRANGER
 * @start_ticks: when /proc/self/stat says that it began; 0: it did not look
 * @started: it came to its first line
 * @marks: that it wrote
 * @execs: programs that it became
 */
struct child {
	pid_t		pid;
	int		forker;
	uint64_t	start_ticks;
	bool		started;
	unsigned int	marks;
	unsigned int	execs;
};

enum part { PART_STORM, PART_LOGIN };

/* Shared by all processes of a storm, through a file that survives an exec. */
static struct storm {
	enum part	part;			/* of each login */
	uint16_t	port[LOGINS_MAX];	/* of each login's client */
	unsigned int	ready;			/* logins that stand */
	pid_t		gone;			/* a pid that nobody has any more, or 0 */
	unsigned int	again;			/* children that got one of those */
	unsigned int	children;
	unsigned int	failed;			/* forks */
	struct child	child[CHILDREN_MAX];
} *storm;

static int storm_fd, my_login;
static struct child *me_child;

/* --- what the processes do ------------------------------------------------------- */

static uint64_t start_ticks(void)
{
	char stat[512], *end;
	int fd = open("/proc/self/stat", O_RDONLY), field;
	ssize_t len = read(fd, stat, sizeof(stat) - 1);

	close(fd);
	stat[len > 0 ? len : 0] = '\0';
	end = strrchr(stat, ')');
	for (field = 2; end && field < 22; field++)
		end = strchr(end + 1, ' ');
	return end ? strtoull(end, NULL, 10) : 0;
}

/* Say who it is: only system calls, since the memory may be the parent's. */
static void call_oneself(unsigned int number)
{
	char name[16] = "c", digits[8];
	unsigned int i = 0, at = 1;

	do
		digits[i++] = '0' + number % 10;
	while (number /= 10);
	while (i)
		name[at++] = digits[--i];
	prctl(PR_SET_NAME, name);
}

static unsigned int next_number(void)
{
	unsigned int number = __atomic_fetch_add(&storm->children, 1, __ATOMIC_SEQ_CST);

	if (number >= CHILDREN_MAX)
		_exit(120);
	storm->child[number].forker = my_login;
	return number;
}

/* A child enlists, and may look at itself and leave a mark. */
static struct child *be_child(unsigned int number, pid_t pid)
{
	struct child *child = &storm->child[number];

	child->pid = pid;
	child->started = true;
	call_oneself(number);
	if (number % 8 == 0)
		child->start_ticks = start_ticks();
	if (number % 16 == 0) {
		char text[16];

		child->marks++;
		mark(text, snprintf(text, sizeof(text), "m%u", number));
	}
	return child;
}

static void fork_failed(void)
{
	__atomic_fetch_add(&storm->failed, 1, __ATOMIC_SEQ_CST);
	usleep(2000);
}

/* --- ways to fork ------------------------------------------------------------------ */

static void way_fork(void)
{
	unsigned int number = next_number();
	pid_t pid = fork();

	if (!pid) {
		be_child(number, getpid());
		_exit(0);
	}
	if (pid < 0)
		fork_failed();
}

/* The child is gone before its parent is told of it, memory and all its own. */
static void way_fork_that_returns_late(void)
{
	unsigned int number = next_number();
	pid_t pid = syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);

	if (!pid) {
		be_child(number, syscall(SYS_getpid));
		_exit(0);
	}
	if (pid < 0)
		fork_failed();
}

static void way_vfork(void)
{
	unsigned int number = next_number();
	pid_t pid = vfork();

	if (!pid) {
		storm->child[number].pid = syscall(SYS_getpid);
		storm->child[number].started = true;
		call_oneself(number);
		_exit(0);
	}
	if (pid < 0)
		fork_failed();
}

/* The grandchild is an orphan at once, and somebody else's child. */
static void way_double_fork(void)
{
	unsigned int number = next_number(), second;
	pid_t pid = fork();

	if (pid < 0)
		fork_failed();
	if (pid)
		return;
	be_child(number, getpid());
	second = next_number();
	pid = fork();
	if (pid < 0)
		fork_failed();
	if (!pid) {
		be_child(second, getpid());
		if (!fork()) {
			second = next_number();
			be_child(second, getpid());
			setsid();
		}
	}
	_exit(0);
}

static void *fork_and_wait(void *arg)
{
	(void)arg;
	way_fork();
	return NULL;
}

static void way_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fork_and_wait, NULL))
		fork_failed();
	else
		pthread_join(thread, NULL);
}

/* With its pid chosen, unless that is 0. */
static pid_t way_clone3(uint64_t flags, pid_t chosen)
{
	struct clone_args args = {
		.flags = flags, .exit_signal = SIGCHLD,
		.set_tid = chosen ? (uintptr_t)&chosen : 0, .set_tid_size = !!chosen,
	};
	unsigned int number = next_number();
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid) {
		be_child(number, flags & CLONE_NEWPID ? 0 : syscall(SYS_getpid));
		_exit(0);
	}
	if (pid < 0)
		fork_failed();
	return pid;
}

static void way_namespaces(void)
{
	way_clone3(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS, 0);
}

/* Its parent is that of who made it: a brother. */
static void way_brother(void)
{
	way_clone3(CLONE_PARENT, 0);
}

/* It takes the pid of whoever was the last one to go, in this login or in another. */
static void way_pid_at_once_again(void)
{
	pid_t gone = __atomic_exchange_n(&storm->gone, 0, __ATOMIC_SEQ_CST);

	if (way_clone3(0, gone) > 0 && gone)
		__atomic_fetch_add(&storm->again, 1, __ATOMIC_SEQ_CST);
}

/* The name survives no exec: the program is called by it instead. */
static void __attribute__((noreturn)) become_named(unsigned int number, const char *program,
						   const char *role, const char *arg)
{
	char path[32], digits[16];

	snprintf(digits, sizeof(digits), "%u", number);
	snprintf(path, sizeof(path), "/dev/shm/c%u", number);
	unlink(path);
	if (!symlink(program, path))
		execl(path, path, role, arg, digits, NULL);
	_exit(121);
}

static void *exec_true(void *number)
{
	become_named((long)number, "/bin/true", NULL, NULL);
}

/* A thread that is not the leader execs, and has the leader's pid from then on. */
static void way_exec_in_thread(void)
{
	unsigned int number = next_number();
	pthread_t thread;
	pid_t pid = fork();

	if (pid < 0)
		fork_failed();
	if (pid)
		return;
	be_child(number, getpid())->execs = 1;
	if (!pthread_create(&thread, NULL, exec_true, (void *)(long)number))
		pthread_join(thread, NULL);
	_exit(122);
}

static void (*const ways[])(void) = {
	way_fork, way_vfork, way_double_fork, way_fork_that_returns_late, way_thread,
	way_namespaces, way_pid_at_once_again, way_brother,
};

/* --- what a login does ---------------------------------------------------------------- */

/* Fork in all ways until there were so many in all; every second login keeps its orphans. */
static void storm_on(unsigned long forks)
{
	unsigned int i;
	pid_t pid;

	/* The mark of a subreaper is not inherited. */
	if (my_login % 2)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_DFL);
	for (i = my_login; __atomic_load_n(&storm->children, __ATOMIC_SEQ_CST) < forks; i++) {
		if (i % 61 == 60)
			way_exec_in_thread();
		else
			ways[i % ARRAY_SIZE(ways)]();
		while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
			storm->gone = pid;
	}
	while (wait(NULL) > 0)
		;
}

static unsigned long storm_forks(void)
{
	unsigned long forks = scaled(20000);

	/* Else there would be no wrap. */
	return forks < 1000 ? 1000 : forks;
}

static void play_storm(int sock)
{
	char byte;

	__atomic_fetch_add(&storm->ready, 1, __ATOMIC_SEQ_CST);
	/* They begin together. */
	if (read(sock, &byte, 1) != 1)
		_exit(124);
	storm_on(storm_forks());
}

static void play_login(int sock)
{
	char byte;

	__atomic_fetch_add(&storm->ready, 1, __ATOMIC_SEQ_CST);
	/* All of them stand before the first one goes on. */
	if (read(sock, &byte, 1) != 1)
		_exit(124);
	me_child->marks++;
	mark("here", 4);
	way_fork();
	way_double_fork();
	if (my_login % 8 == 0)
		way_exec_in_thread();
	until_closed(sock);
	while (wait(NULL) > 0)
		;
}

/* --- logins ------------------------------------------------------------------------ */

static void (*const parts[])(int sock) = { play_storm, play_login };

static bool map_storm(void)
{
	storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE, MAP_SHARED, storm_fd, 0);
	return storm != MAP_FAILED;
}

/* The client says which one it is. */
static void hear_who(int sock)
{
	uint16_t number;

	if (read(sock, &number, sizeof(number)) != sizeof(number))
		_exit(123);
	my_login = number;
}

/* Linked when it is forked: it has one connection. */
static void serve_one(int from)
{
	int sock = accept(from, NULL, NULL);

	if (!fork()) {
		close(from);
		hear_who(sock);
		me_child = be_child(next_number(), getpid());
		parts[storm->part](sock);
		_exit(0);
	}
	close(sock);
}

/* The program of a login that has several connections until it becomes it. */
static int play_member(int argc, char **argv)
{
	unsigned int number;

	storm_fd = atoi(argv[argc - 2]);
	number = atoi(argv[argc - 1]);
	if (!map_storm())
		return 125;
	my_login = storm->child[number].forker;
	me_child = be_child(number, getpid());
	parts[storm->part](STDIN_FILENO);
	return 0;
}

static void become_member(int sock)
{
	unsigned int number;
	char fd[16];

	/* What it makes before that belongs nowhere. */
	my_login = STRANGER;
	way_fork();
	while (wait(NULL) > 0)
		;
	hear_who(sock);
	number = next_number();
	storm->child[number].execs = 1;
	dup2(sock, STDIN_FILENO);
	snprintf(fd, sizeof(fd), "%d", storm_fd);
	become_named(number, self_path(), "role:member", fd);
}

/* As systemd does with Accept=yes: linked when they exec. */
static void serve_several(int from, unsigned int count)
{
	int sock[SEVERAL];
	unsigned int i;

	for (i = 0; i < count; i++)
		sock[i] = accept4(from, NULL, NULL, SOCK_CLOEXEC);
	for (i = 0; i < count; i++)
		if (!fork())
			become_member(sock[i]);
	for (i = 0; i < count; i++)
		close(sock[i]);
}

/* Half of them are served in the one way, and half in the other. */
static void serve_logins(int from, unsigned int logins)
{
	unsigned int i, count;

	/* Orphans that their own login does not take are left to it. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (i = 0; i < logins / 2; i++)
		serve_one(from);
	for (; i < logins; i += count) {
		count = logins - i < SEVERAL ? logins - i : SEVERAL;
		serve_several(from, count);
	}
	close(from);
	while (wait(NULL) > 0)
		;
	_exit(0);
}

static int log_in(unsigned int number)
{
	uint16_t own = number;
	int sock = connect_to(AF_INET, PORT, &storm->port[number]);

	return write(sock, &own, sizeof(own)) == sizeof(own) ? sock : -1;
}

/* Somebody who is not logged in, and the parent of what he leaves behind. */
static void play_stranger(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!fork()) {
		my_login = STRANGER;
		storm_on(storm_forks());
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	_exit(0);
}

/* --- the judgement ------------------------------------------------------------------ */

FIXTURE(storm) {
	struct log	log;
	uint64_t	session[LOGINS_MAX];
	unsigned int	logins;
	char		*pid_max;
};

FIXTURE_SETUP(storm)
{
	clean_start();
	ASSERT_EQ(0, module_reload(PORTS " ring_kb=32768"));
	ASSERT_TRUE(log_open(&self->log));
	storm_fd = memfd_create("storm", 0);
	ASSERT_EQ(0, ftruncate(storm_fd, sizeof(*storm)));
	ASSERT_TRUE(map_storm());
	self->pid_max = read_file(PID_MAX);
}

FIXTURE_TEARDOWN(storm)
{
	write_file(PID_MAX, self->pid_max, strlen(self->pid_max));
	log_close(&self->log);
}

/* Which child a record is of, by the name in it; -1: of none. */
static int child_of(const struct sshobs_hdr *hdr)
{
	char *end;
	long number;

	if (hdr->comm[0] != 'c' || hdr->comm[1] < '0' || hdr->comm[1] > '9')
		return -1;
	number = strtol(hdr->comm + 1, &end, 10);
	return *end || number >= storm->children ? -1 : number;
}

/* The session that a child has to be in; 0: none. */
static uint64_t session_of(FIXTURE_DATA(storm) *self, int child)
{
	int forker = storm->child[child].forker;

	return forker < (int)self->logins ? self->session[forker] : 0;
}

/* What the stream says of each child. */
struct told {
	unsigned int	clones, exits, execs, marks;
	uint64_t	start_ns;
};

/* What the newest clone of a pid says. */
struct owner {
	uint64_t	session, start_ns;
	size_t		at;
};

static void judge_record(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self,
			 struct told *told, struct owner *owners, size_t at)
{
	const struct sshobs_hdr *hdr = self->log.recs[at];
	int child = child_of(hdr);

	ASSERT_NE(SSHOBS_LOST, hdr->type);
	if (hdr->type == SSHOBS_CLONE) {
		const struct sshobs_clone *rec = body(hdr);

		if (!(rec->flags & CLONE_THREAD))
			owners[rec->child] = (struct owner){ hdr->session, rec->start_ns, at };
	}
	if (child < 0)
		return;
	/* The one that matters: whoever it is, he is in the session that he says. */
	EXPECT_EQ(session_of(self, child), hdr->session)
		TH_LOG("%s of c%d[%u], of login %d", sshobs_type_name(hdr->type), child, hdr->pid,
		       storm->child[child].forker);
	/* Who has exited may be the last to close the socket. */
	if (hdr->session && hdr->type != SSHOBS_CLOSE && hdr->type != SSHOBS_END) {
		EXPECT_EQ(hdr->session, owners[hdr->pid].session)
			TH_LOG("%s of c%d[%u]", sshobs_type_name(hdr->type), child, hdr->pid);
	}
	if (storm->child[child].pid) {
		EXPECT_EQ((__u32)storm->child[child].pid, hdr->pid) TH_LOG("of c%d", child);
	}
	told[child].execs += hdr->type == SSHOBS_EXEC;
	told[child].marks += hdr->type == SSHOBS_MARK;
	if (hdr->type == SSHOBS_EXIT) {
		told[child].exits++;
		told[child].clones += owners[hdr->pid].at > 0;
		told[child].start_ns = owners[hdr->pid].start_ns;
		/* Its pid is nobody's now, but of the next one. */
		owners[hdr->pid] = (struct owner){};
	}
}

static void judge_child(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self,
			const struct told *told, unsigned int i)
{
	const struct child *child = &storm->child[i];
	uint64_t ticks = told->start_ns / (1000000000ULL / sysconf(_SC_CLK_TCK));
	bool member = session_of(self, i);

	/* The fork that was to make it failed. */
	if (!child->started)
		member = false;
	EXPECT_EQ(member, told->exits) TH_LOG("exits of c%u", i);
	EXPECT_EQ(member, told->clones) TH_LOG("clones of c%u", i);
	EXPECT_EQ(member ? child->execs : 0, told->execs) TH_LOG("execs of c%u", i);
	EXPECT_EQ(child->marks, told->marks) TH_LOG("marks of c%u", i);
	if (member && child->start_ticks) {
		EXPECT_LE(ticks, child->start_ticks + 1) TH_LOG("c%u", i);
		/* The kernel reads the clock of /proc afterwards: where it is preempted, some time so. */
		EXPECT_GE(ticks + sysconf(_SC_CLK_TCK), child->start_ticks) TH_LOG("c%u", i);
	}
}

/* Read while a process lives. */
static int read_until_end(FIXTURE_DATA(storm) *self, pid_t pid)
{
	uint64_t start = now_ms();
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_ms() - start > 20 * SECONDS * 1000)
			return -1;
		log_more(&self->log, 20);
	}
	return status;
}

static void judge(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self)
{
	struct owner *owners = calloc(1 << 22, sizeof(*owners));
	struct told *told = calloc(CHILDREN_MAX, sizeof(*told));
	struct sshobs_stats stats = stats_of(_metadata, self->log.fd);
	unsigned int members = 0, i;
	ssize_t at = -1;

	EXPECT_EQ(0ULL, stats.missed);
	EXPECT_EQ(0ULL, stats.tasks_untracked);
	EXPECT_EQ(0ULL, stats.sessions_untracked);
	for (i = 0; i < self->log.count; i++)
		judge_record(_metadata, self, told, owners, i);
	for (i = 0; i < storm->children; i++) {
		judge_child(_metadata, self, &told[i], i);
		members += told[i].exits;
	}
	while ((at = log_index(&self->log, WANT(.type = SSHOBS_END), at + 1)) >= 0) {
		EXPECT_EQ(0U, ((const struct sshobs_end *)body(self->log.recs[at]))->incomplete);
	}
	expect_stream_in_order(_metadata, &self->log);
	TH_LOG("%u children, %u of them members, %u forks failed", storm->children, members,
	       storm->failed);
	EXPECT_LT(storm->children / 2, members);
	free(owners);
	free(told);
}

/* Have a server and its logins, all of which stand and wait. */
static pid_t start_logins(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self,
			  unsigned int logins, int *client, enum part part)
{
	int from = listen_on(AF_INET, PORT);
	uint64_t start = now_ms();
	unsigned int i;
	pid_t server;

	EXPECT_LE(0, from);
	storm->part = part;
	server = fork();
	if (!server)
		serve_logins(from, logins);
	close(from);
	self->logins = logins;
	for (i = 0; i < logins; i++) {
		client[i] = log_in(i);
		EXPECT_LE(0, client[i]);
	}
	while (*(volatile unsigned int *)&storm->ready < logins &&
	       now_ms() - start < 2 * SECONDS * 1000)
		log_more(&self->log, 20);
	EXPECT_EQ(logins, storm->ready);
	for (i = 0; i < logins; i++) {
		self->session[i] = log_wait_session(&self->log, storm->port[i]);
		EXPECT_NE(0ULL, self->session[i]);
	}
	return server;
}

TEST_F_TIMEOUT(storm, links_are_right_while_pids_come_again_and_again, 20 * SECONDS)
{
	int client[LOGINS], i;
	pid_t server, stranger;

	/* The first 300 are not given out again: that leaves 400 for all. */
	ASSERT_TRUE(write_file(PID_MAX, "700", 3));
	server = start_logins(_metadata, self, LOGINS, client, PART_STORM);
	stranger = fork();
	if (!stranger)
		play_stranger();
	for (i = 0; i < LOGINS; i++) {
		ASSERT_EQ(1, write(client[i], "g", 1));
	}
	ASSERT_EQ(0, read_until_end(self, stranger));
	ASSERT_EQ(0, read_until_end(self, server));
	for (i = 0; i < LOGINS; i++)
		close(client[i]);
	ASSERT_TRUE(log_wait_count(&self->log, WANT(.type = SSHOBS_END), LOGINS));
	ASSERT_TRUE(log_sync(&self->log));
	judge(_metadata, self);
	TH_LOG("%u children had a pid that was somebody else's a moment before", storm->again);
	EXPECT_LT(10U, storm->again);
	/* Each pid came several times. */
	EXPECT_LT(800U, storm->children - storm->failed);
}

/* --- many logins at once -------------------------------------------------------------- */

TEST_F_TIMEOUT(storm, many_logins_at_once_each_have_their_own, 20 * SECONDS)
{
	unsigned int logins = scaled(LOGINS_MAX), i;
	int client[LOGINS_MAX];
	pid_t server;

	if (logins < 20)
		logins = 20;
	server = start_logins(_metadata, self, logins, client, PART_LOGIN);
	for (i = 0; i < logins; i++) {
		ASSERT_EQ(1, write(client[i], "g", 1));
	}
	for (i = 0; i < logins; i++)
		close(client[i]);
	ASSERT_EQ(0, read_until_end(self, server));
	ASSERT_TRUE(log_wait_count(&self->log, WANT(.type = SSHOBS_END), logins));
	ASSERT_TRUE(log_sync(&self->log));
	judge(_metadata, self);
}

SELFTEST_MAIN({ "member", play_member },)
