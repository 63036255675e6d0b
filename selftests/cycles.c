// SPDX-License-Identifier: GPL-2.0
/*
 * Loading is all or nothing, and unloading leaves nothing: idle, under a storm of forks and
 * accepts, with calls of all kinds asleep in the middle of it, and as processors come and go.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image.h"
#include "scene.h"
#include "traces.h"
#include "checks.h"

/* The full counts take longer than other tests do. */
#define HOURS		(2 * 3600)
#define BLOCKED		70

/* --- storms -------------------------------------------------------------------- */

static void __attribute__((noreturn)) storm_of_forks(void)
{
	pid_t pid;

	for (;;) {
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

static void __attribute__((noreturn)) storm_of_execs(void)
{
	for (;;)
		run((const char *const[]){ "/bin/true", NULL });
}

/* Sessions too: each accepted socket is given to a child. */
static void __attribute__((noreturn)) storm_of_accepts(void)
{
	int server = listen_on(AF_INET, PORT), client, sock;
	pid_t pid;

	for (;;) {
		client = connect_to(AF_INET, PORT, NULL);
		sock = accept(server, NULL, NULL);
		pid = fork();
		if (!pid)
			_exit(0);
		close(sock);
		close(client);
		waitpid(pid, NULL, 0);
	}
}

static pid_t begin(void (*storm)(void))
{
	pid_t pid = fork();

	if (!pid)
		storm();
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	wait_for(pid);
}

/* --- loading and unloading ----------------------------------------------------- */

FIXTURE(cycles) {
	struct traces before;
};

FIXTURE_SETUP(cycles)
{
	clean_start();
	mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	mount("none", "/sys/kernel/tracing", "tracefs", 0, NULL);
	/* Once, for what the kernel sets up at the first time and keeps. */
	ASSERT_EQ(0, module_reload(PORTS));
	ASSERT_EQ(0, module_unload());
	traces_read(&self->before);
	ASSERT_EQ(0, self->before.own) TH_LOG("%s", self->before.text);
}

FIXTURE_TEARDOWN(cycles)
{
	char *differ;

	if (module_loaded()) {
		ASSERT_EQ(0, module_unload());
	}
	differ = traces_differ(&self->before);
	EXPECT_EQ(NULL, differ) TH_LOG("left behind: %s", differ);
	free(differ);
	traces_free(&self->before);
}

static void cycle(struct __test_metadata *_metadata, unsigned long count)
{
	struct sshobs_stats stats;
	int fd;

	while (count--) {
		ASSERT_EQ(0, module_load(PORTS));
		/* All of it is there, and it counts from 0. */
		fd = records_open(O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_STATS, &stats));
		EXPECT_EQ(1ULL, stats.readers);
		EXPECT_EQ(0ULL, stats.missed);
		close(fd);
		ASSERT_EQ(0, module_unload());
	}
}

TEST_F_TIMEOUT(cycles, idle, HOURS)
{
	cycle(_metadata, scaled(800));
}

TEST_F_TIMEOUT(cycles, under_a_storm_of_forks_execs_and_accepts, HOURS)
{
	pid_t forks = begin(storm_of_forks), execs = begin(storm_of_execs);
	pid_t accepts = begin(storm_of_accepts);

	cycle(_metadata, scaled(200));
	end(forks);
	end(execs);
	end(accepts);
}

/* Each wakes one of those that sleep in accept(), who accepts and goes back to sleep. */
static bool wake_each(int told)
{
	int i, client;

	for (i = 0; i < BLOCKED; i++) {
		client = connect_to(AF_INET, PORT, NULL);
		if (client < 0 || read_byte(told) != 1)
			return false;
		close(client);
	}
	return true;
}

static bool all_blocked(const pid_t *pids)
{
	int i;

	for (i = 0; i < BLOCKED; i++)
		if (!wait_in_syscall(pids[i], SYS_accept))
			return false;
	return true;
}

TEST_F_TIMEOUT(cycles, under_70_that_sleep_in_accept, HOURS)
{
	unsigned long count = scaled(50);
	pid_t pids[BLOCKED];
	int told[2], server, i;

	ASSERT_EQ(0, pipe(told));
	server = listen_on(AF_INET, PORT);
	for (i = 0; i < BLOCKED; i++) {
		pids[i] = fork();
		while (!pids[i]) {
			int sock = accept(server, NULL, NULL);

			if (sock < 0 || write(told[1], "", 1) != 1)
				_exit(1);
			close(sock);
		}
	}
	while (count--) {
		ASSERT_TRUE(all_blocked(pids));
		ASSERT_EQ(0, module_load(PORTS));
		/* They return into a module that was not there, and fall asleep under it. */
		ASSERT_TRUE(wake_each(told[0]));
		ASSERT_TRUE(all_blocked(pids));
		ASSERT_EQ(0, module_unload());
		ASSERT_TRUE(wake_each(told[0]));
	}
	for (i = 0; i < BLOCKED; i++)
		end(pids[i]);
}

/* --- calls of members that sleep ----------------------------------------------- */

/* Of each kind, within a session's share of 32; who waits for a lease looks every jiffy. */
#define EXECS		5
#define CONNECTS	20
#define FORKS		20
#define ASLEEP		(EXECS + CONNECTS + FORKS)

#define STAGE		"/mnt"
#define LEASED		STAGE "/true"
#define FULL		STAGE "/full"

/* Shared with the members. */
static struct {
	pid_t	pids[ASLEEP];
	int	ready;
	int	forked;
	int	failed;
} *asleep;

static void sleep_in_exec(void)
{
	execl(LEASED, "true", NULL);
	_exit(1);
}

static void sleep_in_connect(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = FULL };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	_exit(connect(sock, (void *)&addr, sizeof(addr)) != 0);
}

static void sleep_in_fork(void)
{
	pid_t pid = vfork();
	char byte;

	if (!pid) {
		__atomic_fetch_add(&asleep->forked, 1, __ATOMIC_SEQ_CST);
		(void)!read(hold, &byte, 1);
		_exit(5);
	}
	_exit(wait_for(pid) != 5 << 8);
}

static void sleep_in_all(int sock)
{
	unsigned int i;
	int status;
	pid_t pid;

	(void)sock;
	for (i = 0; i < ASLEEP; i++) {
		pid = fork();
		if (pid) {
			asleep->pids[i] = pid;
			continue;
		}
		if (i < EXECS)
			sleep_in_exec();
		if (i < EXECS + CONNECTS)
			sleep_in_connect();
		sleep_in_fork();
	}
	__atomic_store_n(&asleep->ready, 1, __ATOMIC_SEQ_CST);
	while (wait(&status) > 0)
		asleep->failed += status != 0;
}

/* A program whose open waits for a lease, and a server whose queue is full. */
static bool set_the_stage(int *lease, int *server)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = FULL };
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	signal(SIGIO, SIG_IGN);
	unlink(FULL);
	*lease = open(LEASED, O_RDONLY | O_CLOEXEC);
	*server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return !fcntl(*lease, F_SETLEASE, F_WRLCK) &&
	       !bind(*server, (void *)&addr, sizeof(addr)) && !listen(*server, 0) &&
	       !connect(client, (void *)&addr, sizeof(addr));
}

static bool all_asleep(void)
{
	uint64_t start = now_ms();
	int i;

	while (!__atomic_load_n(&asleep->ready, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&asleep->forked, __ATOMIC_SEQ_CST) < FORKS)
		if (now_ms() - start > SECONDS * 1000)
			return false;
	for (i = 0; i < EXECS + CONNECTS; i++)
		if (!wait_in_syscall(asleep->pids[i], i < EXECS ? SYS_execve : SYS_connect))
			return false;
	return true;
}

static void unload_under_sleepers(struct __test_metadata *_metadata)
{
	int lease, server, release, client, i;
	pid_t pid;

	ASSERT_TRUE(set_the_stage(&lease, &server));
	memset(asleep, 0, sizeof(*asleep));
	ASSERT_EQ(0, module_load(PORTS));
	part = sleep_in_all;
	release = scene_start(AF_INET, serve_part, &pid);
	ASSERT_LE(0, release);
	client = connect_to(AF_INET, PORT, NULL);
	ASSERT_LE(0, client);
	ASSERT_TRUE(all_asleep());
	ASSERT_EQ(0, module_unload());
	/* They come back from calls that nobody watches any more, with what they are due. */
	ASSERT_EQ(0, fcntl(lease, F_SETLEASE, F_UNLCK));
	close(lease);
	for (i = 0; i <= CONNECTS; i++)
		close(accept(server, NULL, NULL));
	close(server);
	close(release);
	close(client);
	ASSERT_EQ(0, wait_for(pid));
	EXPECT_EQ(0, asleep->failed);
}

TEST_F_TIMEOUT(cycles, under_members_that_sleep_in_exec_connect_and_fork, HOURS)
{
	unsigned long count = scaled(50);

	asleep = mmap(NULL, sizeof(*asleep), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_NE(MAP_FAILED, asleep);
	ASSERT_EQ(0, mount("none", STAGE, "tmpfs", 0, NULL));
	ASSERT_TRUE(write_file("/proc/sys/fs/lease-break-time", "600", 3));
	ASSERT_EQ(0, run((const char *const[]){ "/bin/cp", "/bin/true", LEASED, NULL }));
	while (count--)
		unload_under_sleepers(_metadata);
	umount2(STAGE, MNT_DETACH);
}

/* --- what is refused ----------------------------------------------------------- */

TEST_F(cycles, unloading_is_refused_while_a_reader_is_there_who_goes_on)
{
	unsigned long count = scaled(100);
	char buf[SSHOBS_RECORD_MAX];
	int told[2], fd;
	pid_t reader;

	ASSERT_EQ(0, module_load(PORTS));
	ASSERT_EQ(0, pipe(told));
	reader = fork();
	if (!reader) {
		fd = records_open_now(O_RDONLY);
		while (write(told[1], "", 1) == 1 && read(fd, buf, sizeof(buf)) > 0)
			;
		_exit(1);
	}
	ASSERT_EQ(1, read_byte(told[0]));
	while (count--) {
		ASSERT_TRUE(wait_in_syscall(reader, SYS_read));
		ASSERT_EQ(-EWOULDBLOCK, module_unload());
		ASSERT_EQ(4, mark("more", 4));
		ASSERT_EQ(1, read_byte(told[0]));
	}
	end(reader);
	ASSERT_EQ(0, module_unload());
}

TEST_F(cycles, bad_parameters_leave_nothing)
{
	static const char *const bad[] = {
		"ports=0", "ports=", "ports=65536", "ports=22,0", "ring_kb=63",
		"ring_kb=1048577", "ring_kb=x", "max_sessions=0", "max_sessions=1048577",
		"max_tasks=0", "max_tasks=4194305", "ports=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
	};
	char *differ;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int err = module_load(bad[i]);

		EXPECT_TRUE(err == -EINVAL || err == -ERANGE) TH_LOG("%s: %d", bad[i], err);
		differ = traces_differ(&self->before);
		EXPECT_EQ(NULL, differ) TH_LOG("%s left behind: %s", bad[i], differ);
		free(differ);
	}
}

/* Each core probe in turn is one that this kernel has not: all before it were in place. */
TEST_F(cycles, a_kernel_without_a_core_function_leaves_nothing)
{
	static const char *const core[] = {
		"tcp_close", "kernel_clone", "wake_up_new_task", "bprm_execve",
		"sched_process_exec", "sched_process_exit", "devpts_pty_new", "inet_csk_accept",
		"security_sock_graft",
	};
	struct image image;
	char *differ;
	char name[48];
	size_t i;

	for (i = 0; i < sizeof(core) / sizeof(core[0]); i++) {
		ASSERT_TRUE(image_read(&image));
		snprintf(name, sizeof(name), "%s", core[i]);
		name[0] = 'X';
		ASSERT_LT(0U, image_rename(&image, core[i], name)) TH_LOG("%s", core[i]);
		EXPECT_EQ(-ENOENT, image_load(&image, PORTS)) TH_LOG("%s", core[i]);
		image_free(&image);
		differ = traces_differ(&self->before);
		EXPECT_EQ(NULL, differ) TH_LOG("%s left behind: %s", core[i], differ);
		free(differ);
	}
}

/* How the kernel rates what it says without a level, like the stack under a warning. */
static bool rate_unrated(char level)
{
	char *levels = read_file("/proc/sys/kernel/printk");
	char *second = levels ? strpbrk(levels, "\t ") : NULL;
	bool ok = second;

	if (ok) {
		second[1] = level;
		ok = write_file("/proc/sys/kernel/printk", levels, strlen(levels));
	}
	free(levels);
	return ok;
}

/* The last step: everything is in place but the device. */
TEST_F(cycles, a_device_of_the_same_name_leaves_nothing)
{
	struct image image;
	int fd;

	ASSERT_EQ(0, module_load(PORTS));
	ASSERT_TRUE(image_read(&image));
	ASSERT_TRUE(image_name(&image, "sshobx"));
	ASSERT_TRUE(rate_unrated('7'));
	EXPECT_EQ(-EEXIST, image_load(&image, PORTS));
	ASSERT_TRUE(rate_unrated('4'));
	EXPECT_NE(0, access("/sys/module/sshobx", F_OK));
	image_free(&image);
	/* The first one works on. */
	fd = records_open_now(O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ASSERT_LE(0, fd);
	ASSERT_EQ(4, mark("mark", 4));
	close(fd);
	ASSERT_EQ(0, module_unload());
}

/* --- processors ------------------------------------------------------------------ */

#define CPUS_MAX	16
#define WRITERS		3

static int cpu_switch(char *path, size_t size, int cpu)
{
	snprintf(path, size, "/sys/devices/system/cpu/cpu%d/online", cpu);
	return access(path, W_OK);
}

/* Off and on again, one by one; the first one stays. Return how many there are. */
static int cpus_go_and_come(void)
{
	char path[64];
	int cpu;

	for (cpu = 1; cpu < CPUS_MAX && !cpu_switch(path, sizeof(path), cpu); cpu++)
		if (!set_switch(path, '0') || !set_switch(path, '1'))
			return -1;
	return cpu - 1;
}

/* Write marks, and count them, until told to stop. */
static void __attribute__((noreturn)) write_marks(int stop, unsigned long *count)
{
	struct pollfd poll_fd = { .fd = stop, .events = POLLIN };

	while (!poll(&poll_fd, 1, 1)) {
		if (mark("under load", 10) != 10)
			_exit(1);
		++*count;
		if (run((const char *const[]){ "/bin/true", NULL }))
			_exit(1);
	}
	_exit(0);
}

/* What one reader got. */
struct account {
	uint64_t	records;
	uint64_t	lost;
	uint64_t	marks;
	uint64_t	disorder;
	uint64_t	last;
};

static void account_for(struct account *account, const void *buf, ssize_t bytes)
{
	const struct sshobs_hdr *hdr;

	for_each_record(hdr, buf, bytes) {
		if (hdr->type == SSHOBS_LOST) {
			account->lost += ((const struct sshobs_lost *)body(hdr))->count;
			continue;
		}
		account->disorder += hdr->seq <= account->last;
		account->last = hdr->seq;
		account->records++;
		account->marks += hdr->type == SSHOBS_MARK;
	}
}

/* Read until that record, or to the end of patience. */
static void __attribute__((noreturn)) read_until(int fd, const uint64_t *last,
						 struct account *account)
{
	char buf[1 << 16] __attribute__((aligned(8)));
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	ssize_t bytes;

	while (!*(volatile uint64_t *)last || account->last < *last) {
		if (poll(&poll_fd, 1, 100) < 1)
			continue;
		bytes = read(fd, buf, sizeof(buf));
		if (bytes <= 0)
			_exit(1);
		account_for(account, buf, bytes);
	}
	_exit(0);
}

TEST_F_TIMEOUT(cycles, nothing_is_lost_as_processors_come_and_go, HOURS)
{
	struct {
		unsigned long	marks[WRITERS];
		struct account	account;
		uint64_t	last;
	} *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long count = scaled(200), marks = 0, i;
	pid_t writers[WRITERS], reader, forks, accepts;
	struct sshobs_info info;
	char path[64];
	int stop[2], fd;

	if (cpu_switch(path, sizeof(path), 1))
		SKIP(return, "there is no processor that can be switched off");
	ASSERT_NE(MAP_FAILED, shared);
	ASSERT_EQ(0, pipe(stop));
	ASSERT_EQ(0, module_load(PORTS " ring_kb=65536"));
	fd = records_open(O_RDONLY);
	ASSERT_LE(0, fd);
	reader = fork();
	if (!reader)
		read_until(fd, &shared->last, &shared->account);
	forks = begin(storm_of_forks);
	accepts = begin(storm_of_accepts);
	for (i = 0; i < WRITERS; i++) {
		writers[i] = fork();
		if (!writers[i])
			write_marks(stop[0], &shared->marks[i]);
	}
	while (count--) {
		ASSERT_LT(0, cpus_go_and_come());
	}
	end(forks);
	end(accepts);
	ASSERT_EQ(1, write(stop[1], "", 1));
	for (i = 0; i < WRITERS; i++) {
		EXPECT_EQ(0, wait_for(writers[i]));
		marks += shared->marks[i];
	}
	/* Nobody writes any more, but whom the storm left to end. */
	sleep(1);
	ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_INFO, &info));
	__atomic_store_n(&shared->last, info.next_seq - 1, __ATOMIC_RELEASE);
	EXPECT_EQ(0, wait_for(reader));
	TH_LOG("%llu records, %lu marks, %llu lost", (unsigned long long)info.next_seq - 1, marks,
	       (unsigned long long)shared->account.lost);
	EXPECT_EQ(info.next_seq - 1, shared->account.records + shared->account.lost);
	EXPECT_EQ(0ULL, shared->account.lost);
	EXPECT_EQ(marks, shared->account.marks);
	EXPECT_EQ(0ULL, shared->account.disorder);
	close(fd);
}

SELFTEST_MAIN()
