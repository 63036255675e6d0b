// SPDX-License-Identifier: GPL-2.0
/* Many at once: who sleeps in the kernel blinds nobody else, and bounds are told. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
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

#include "member.h"

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

	ASSERT_TRUE(block_in_accept(blocked, ports));
	part = sleep_in_vfork;
	noisy_release = scene_start(AF_INET, serve_part, &noisy_server);
	ASSERT_LE(0, noisy_release);
	noisy = scene;
	noisy_client = connect_to(AF_INET, PORT, &noisy->conn[0].port);
	ASSERT_LE(0, noisy_client);
	for (start = now_ms(); *(volatile int *)&noisy->number < SLEEPERS; sched_yield()) {
		ASSERT_GT(start + SECONDS * 1000, now_ms());
	}
	noisy_session = log_wait_session(&self->log, noisy->conn[0].port);
	/* Its server accepts no more: the port is free for the quiet one. */

	ASSERT_TRUE(make_failing());
	play(_metadata, self, exec_in_vain);
	expect_failing(_metadata, self);
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

/* --- environments -------------------------------------------------------------------- */

/* Of each as much is kept as may be, which takes twice that with its head. */
#define ENVIRONMENTS_KEPT	((16 << 20) / (2 * SSHOBS_ENVIRON_MAX))
#define ENVIRONMENTS		(ENVIRONMENTS_KEPT + 50)

static bool has_environment(int fd, pid_t pid)
{
	static char room[SSHOBS_ENVIRON_MAX];
	struct sshobs_snapshot snapshot = {
		.pid = pid, .what = SSHOBS_SNAPSHOT_EXEC_ENVIRON,
		.buf = (uintptr_t)room, .buf_len = sizeof(room),
	};

	if (!ioctl(fd, SSHOBS_IOC_SNAPSHOT, &snapshot))
		return snapshot.len == sizeof(room);
	if (errno != ENODATA)
		_exit(125);
	return false;
}

#define INHABITANT		"/tmp/selftest-inhabitant"

/* This program where no file of it is the host's. */
static bool make_inhabitant(void)
{
	size_t len;
	char *program = read_bytes(self_path(), &len);
	bool made = program && write_file(INHABITANT, program, len) && !chmod(INHABITANT, 0755);

	free(program);
	return made;
}

/* Lives until nobody holds the other end of its input. */
static int play_inhabitant(int argc, char **argv)
{
	char byte;

	(void)argc;
	(void)argv;
	return read(STDIN_FILENO, &byte, 1) != 0;
}

static void live_in_large_environments(int sock)
{
	static char variable[SSHOBS_ENVIRON_MAX];
	char *environment[] = { variable, NULL };
	static pid_t pids[ENVIRONMENTS];
	int held[2], i, fd;

	(void)sock;
	memset(variable, 'e', sizeof(variable) - 1);
	if (!make_inhabitant() || pipe2(held, O_CLOEXEC))
		_exit(126);
	for (i = 0; i < ENVIRONMENTS; i++) {
		pids[i] = vfork();
		if (pids[i])
			continue;
		dup2(held[0], STDIN_FILENO);
		execle(INHABITANT, INHABITANT, "role:inhabitant", NULL, environment);
		_exit(127);
	}
	fd = records_open(O_NONBLOCK);
	for (i = 0; i < ENVIRONMENTS; i++)
		scene->number += has_environment(fd, pids[i]);
	close(fd);
	close(held[1]);
	while (wait(NULL) > 0)
		;
}

TEST_F(member, environments_of_all_sessions_take_16_MiB_at_the_most)
{
	let(_metadata, self, live_in_large_environments);
	EXPECT_EQ(ENVIRONMENTS_KEPT, scene->number);
}

/* --- readings at the prompt ---------------------------------------------------------- */

/* More than may be under way of all sessions. */
#define PROMPTERS	1100

/* Above what keeps the kernel's workers from running, and the test between. */
#define PRIORITY_OCCUPY	1
#define PRIORITY_TEST	2
#define PRIORITY_PROMPT	3

/* Each prompter writes a byte when it is there, and another one when it was at its prompt. */
static int told[2];
static unsigned int prompters;

static bool be_urgent(int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	return !sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &param);
}

/* Comes to a prompt when it is let, and lives as long as its terminal. */
static int play_prompter(int argc, char **argv)
{
	struct pollfd terminal = { .fd = STDOUT_FILENO, .events = POLLIN };
	char byte;

	(void)argc;
	(void)argv;
	if (!be_urgent(PRIORITY_PROMPT) || write(STDERR_FILENO, "", 1) != 1 ||
	    read(STDIN_FILENO, &byte, 1) != 1 || poll(&terminal, 1, 0) < 0 ||
	    write(STDERR_FILENO, "", 1) != 1 || !be_urgent(0))
		return 1;
	return poll(&terminal, 1, -1) != 1;
}

static void run_prompters(int sock)
{
	int master = open_master(), slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	unsigned int i;

	if (slave < 0)
		_exit(126);
	for (i = 0; i < prompters; i++) {
		if (vfork())
			continue;
		dup2(hold, STDIN_FILENO);
		dup2(slave, STDOUT_FILENO);
		dup2(told[1], STDERR_FILENO);
		execl(INHABITANT, INHABITANT, "role:prompter", NULL);
		_exit(127);
	}
	until_closed(sock);
	close(slave);
	close(master);
	while (wait(NULL) > 0)
		;
}

static bool wait_told(unsigned int count)
{
	while (count && read_byte(told[0]) == 1)
		count--;
	return !count;
}

/* A login with so many prompters. */
struct prompting {
	pid_t		server;
	int		client;
	int		release;
	unsigned int	count;
	uint64_t	session;
};

static bool prompting_start(struct prompting *prompting, struct log *log)
{
	part = run_prompters;
	prompters = prompting->count;
	prompting->release = scene_start(AF_INET, serve_part, &prompting->server);
	prompting->client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	if (prompting->release < 0 || read_byte(prompting->client) != 1 ||
	    !wait_told(prompting->count))
		return false;
	prompting->session = log_wait_session(log, scene->conn[0].port);
	return prompting->session;
}

/* Let so many prompters come to their prompt. */
static bool go(int release, size_t count)
{
	/* More than there are. */
	static const char bytes[4096];

	return write(release, bytes, count) == (ssize_t)count && wait_told(count);
}

/* Return what its end says to be missing. */
static unsigned int prompting_end(const struct prompting *prompting, struct log *log)
{
	close(prompting->client);
	close(prompting->release);
	if (wait_for(prompting->server))
		return ~0U;
	return incomplete_of(log, prompting->session);
}

#define RT_RUNTIME	"/proc/sys/kernel/sched_rt_runtime_us"

/* Keep each processor from what is less urgent than this. */
static bool occupy(pid_t *pids, int count)
{
	int i;

	if (!write_file(RT_RUNTIME, "-1", 2) || !be_urgent(PRIORITY_TEST))
		return false;
	for (i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		if (!stay_on(i) || !be_urgent(PRIORITY_OCCUPY) || write(told[1], "", 1) != 1)
			_exit(1);
		for (;;)
			;
	}
	return wait_told(count);
}

static bool let_go(const pid_t *pids, int count)
{
	int i;

	for (i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	return be_urgent(0) && write_file(RT_RUNTIME, "950000", 6);
}

static unsigned int prompts_read(const struct log *log, uint64_t session)
{
	unsigned int count = 0;
	ssize_t i = -1;

	while ((i = log_index(log, IN(SSHOBS_READING, session), i + 1)) >= 0) {
		const struct sshobs_reading *reading = body(log->recs[i]);

		count += !!(reading->flags & SSHOBS_READING_LAST);
	}
	return count;
}

static void prepare_prompts(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self)
{
	log_close(&self->log);
	/* With room for what all of them would have read. */
	ASSERT_EQ(0, module_reload(PORTS " ring_kb=32768"));
	ASSERT_TRUE(log_open(&self->log));
	ASSERT_TRUE(make_inhabitant());
	ASSERT_EQ(0, pipe2(told, O_CLOEXEC));
}

TEST_F(member, who_is_at_a_prompt_all_the_time_costs_nobody_else_a_reading)
{
	struct prompting quiet = { .count = 1 }, noisy = { .count = PROMPTERS };
	const int processors = sysconf(_SC_NPROCESSORS_ONLN);
	pid_t busy[processors];
	bool gone;

	prepare_prompts(_metadata, self);
	ASSERT_TRUE(prompting_start(&quiet, &self->log));
	ASSERT_TRUE(prompting_start(&noisy, &self->log));

	/* No reading ends before the last one is asked for. */
	ASSERT_TRUE(occupy(busy, processors));
	gone = go(noisy.release, noisy.count) && go(quiet.release, quiet.count);
	ASSERT_TRUE(let_go(busy, processors));
	ASSERT_TRUE(gone);

	EXPECT_EQ(SSHOBS_INCOMPLETE_READING, prompting_end(&noisy, &self->log));
	EXPECT_EQ(0U, prompting_end(&quiet, &self->log));
	EXPECT_EQ(1U, prompts_read(&self->log, quiet.session));
	EXPECT_EQ((size_t)PROMPTERS, log_count(&self->log, IN(SSHOBS_PROMPT, noisy.session)));
	/* Four may be under way, and some more be so once these are done. */
	EXPECT_LE(4U, prompts_read(&self->log, noisy.session));
	EXPECT_GT(100U, prompts_read(&self->log, noisy.session));
}

/* More sessions than may have all their readings under way at the same time. */
#define CROWD		300
#define READINGS	4
#define READINGS_ALL	1024

static void serve_crowd(void)
{
	serve_parts(listener, CROWD);
}

/* Until no more come. */
static bool wait_for_readings(struct log *log)
{
	size_t before, count = 0;

	do {
		before = count;
		sleep(2);
		if (!log_sync(log))
			return false;
		count = log_count(log, IN(SSHOBS_READING, ANY_SESSION));
	} while (count != before);
	return true;
}

TEST_F_TIMEOUT(member, readings_that_a_crowd_of_sessions_asks_for_are_bounded, 300)
{
	const int processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int count, sum = 0;
	uint64_t sessions[CROWD];
	int clients[CROWD], i;
	pid_t busy[processors];
	uint16_t port;
	bool gone;

	prepare_prompts(_metadata, self);
	part = run_prompters;
	prompters = READINGS;
	self->release = scene_start(AF_INET, serve_crowd, &self->server);
	for (i = 0; i < CROWD; i++) {
		clients[i] = connect_to(AF_INET, PORT, &port);
		ASSERT_TRUE(wait_told(READINGS));
		sessions[i] = log_wait_session(&self->log, port);
		ASSERT_NE(0ULL, sessions[i]);
	}

	ASSERT_TRUE(occupy(busy, processors));
	gone = go(self->release, CROWD * READINGS);
	ASSERT_TRUE(let_go(busy, processors));
	ASSERT_TRUE(gone);

	/* Of who is gone by then, nothing is read. */
	ASSERT_TRUE(wait_for_readings(&self->log));
	for (i = 0; i < CROWD; i++)
		close(clients[i]);
	close(self->release);
	ASSERT_EQ(0, wait_for(self->server));
	for (i = 0; i < CROWD; i++) {
		const unsigned int incomplete = incomplete_of(&self->log, sessions[i]);

		count = prompts_read(&self->log, sessions[i]);
		sum += count;
		EXPECT_EQ(count < READINGS ? SSHOBS_INCOMPLETE_READING : 0U, incomplete)
			TH_LOG("session %d: %u prompts read", i, count);
	}
	TH_LOG("%u of %d prompts were read", sum, CROWD * READINGS);
	/* Some more than may be under way are read once these are done. */
	EXPECT_LE((unsigned int)READINGS_ALL, sum);
	EXPECT_GT(CROWD * READINGS * 1U, sum);
}

SELFTEST_MAIN(
	{ "inhabitant", play_inhabitant },
	{ "prompter", play_prompter },
)
