// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation and every copy to or from a user can fail: the first one of a call, the
 * second, and so on until nothing is left to fail. The call has its errno then, and what was
 * before it stands. Wants a kernel with fault injection, and a module that allocates little as
 * it is loaded: selftests/qemu/vm --kernel debug --variant few.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"

/* More than any call has. */
#define POINTS_MAX	20000
#define DEBUGFS		"/sys/kernel/debug/"
#define RECORDS_ROOM	65536
/* A load takes seconds there, and has a thousand points, or 14,000 without the variant. */
#define HOURS		(8 * 3600)
#define LOADS_MAX	10000
/* No more points than it needs: none of these tests fills a table. */
#define SMALL		PORTS " ring_kb=64 max_sessions=64 max_tasks=64"

/* --- who has it fail ------------------------------------------------------------ */

/* Of this thread; -1: the kernel cannot. */
static int nth_fd = -1;

static bool set(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "%s", name);
	return write_file(path, value, strlen(value));
}

/* All kinds, without a word about each. */
static bool can_fail(void)
{
	if (access(DEBUGFS "failslab", F_OK))
		mount("none", DEBUGFS, "debugfs", 0, NULL);
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return nth_fd >= 0 && set("failslab/ignore-gfp-wait", "N") &&
	       set("fail_page_alloc/ignore-gfp-wait", "N") &&
	       set("fail_page_alloc/ignore-gfp-highmem", "N") &&
	       set("fail_page_alloc/min-order", "0") && set("failslab/verbose", "0") &&
	       set("fail_page_alloc/verbose", "0") && set("fail_usercopy/verbose", "0");
}

/* A fork's child has one of its own. */
static void reopen(void)
{
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		_exit(125);
}

static void arm(unsigned int nth)
{
	char number[16];
	int len = snprintf(number, sizeof(number), "%u", nth);

	if (pwrite(nth_fd, number, len, 0) != len)
		_exit(125);
}

/* How many points there are until one fails; -1: asking copies to a user, too, and was what failed. */
static long points_left(void)
{
	char left[16] = "";

	return pread(nth_fd, left, sizeof(left) - 1, 0) > 0 ? strtol(left, NULL, 10) : -1;
}

/* Return whether it came to that. */
static bool disarm(void)
{
	const long left = points_left();

	while (pwrite(nth_fd, "0", 1, 0) != 1)
		;
	return !left;
}

/* --- calls of the device --------------------------------------------------------- */

FIXTURE(failing) {
	int			fd;
	struct sshobs_info	info;
	struct sshobs_stats	stats;
	char			*buf;
	int			release;
	int			client;
	pid_t			server;
};

/* What each call gets; the harness gives no other way. */
static FIXTURE_DATA(failing) *given;

static void wait_as_cat(int sock)
{
	become_cat(sock);
}

FIXTURE_SETUP(failing)
{
	struct log log;

	clean_start();
	if (!can_fail())
		SKIP(return, "the kernel injects no faults");
	ASSERT_EQ(0, module_reload(PORTS));
	ASSERT_TRUE(log_open(&log));
	part = wait_as_cat;
	self->release = scene_start(AF_INET, serve_part, &self->server);
	self->client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	ASSERT_LE(0, self->client);
	ASSERT_NE(NULL, log_wait(&log, WANT(.type = SSHOBS_EXEC)));
	log_close(&log);
	self->fd = records_open(O_NONBLOCK);
	ASSERT_LE(0, self->fd);
	self->buf = malloc(RECORDS_ROOM);
	/* It must not be what fails. */
	memset(self->buf, 0, RECORDS_ROOM);
	given = self;
}

FIXTURE_TEARDOWN(failing)
{
	if (!self->buf)
		return;
	free(self->buf);
	close(self->fd);
	close(self->client);
	close(self->release);
	wait_for(self->server);
}

/* One of them; before it, and after it, whether it failed or not. */
struct call {
	const char	*name;
	long		(*make)(void);
	void		(*before)(void);
	bool		(*stands)(long ret);
};

static struct sshobs_stats stats_now(void)
{
	struct sshobs_stats stats = {};

	ioctl(given->fd, SSHOBS_IOC_STATS, &stats);
	return stats;
}

static void remember(void)
{
	given->stats = stats_now();
	ioctl(given->fd, SSHOBS_IOC_INFO, &given->info);
}

/* Same readers, same format, nothing written. */
static bool as_remembered(void)
{
	struct sshobs_stats stats = stats_now();
	struct sshobs_info info;

	return !ioctl(given->fd, SSHOBS_IOC_INFO, &info) && info.format == given->info.format &&
	       stats.readers == given->stats.readers && stats.written == given->stats.written;
}

static bool nothing_changed(long ret)
{
	(void)ret;
	return as_remembered();
}

static long call_open(void)
{
	return open(DEVICE, O_RDONLY | O_CLOEXEC);
}

static bool opened(long ret)
{
	if (ret >= 0)
		close(ret);
	return as_remembered();
}

static void rewind_records(void)
{
	lseek(given->fd, 0, SEEK_SET);
	remember();
}

static long call_read(void)
{
	return read(given->fd, given->buf, RECORDS_ROOM);
}

/* What it did not give comes next: the first one, or what follows the last one that it gave. */
static bool next_is_next(long ret)
{
	const struct sshobs_hdr *hdr;
	char buf[SSHOBS_RECORD_MAX];
	uint64_t next = 1;

	if (ret > 0)
		for_each_record(hdr, given->buf, ret)
			next = hdr->seq + 1;
	if (read(given->fd, buf, sizeof(buf)) <= 0)
		return ret > 0 && next == given->info.next_seq;
	hdr = (void *)buf;
	return hdr->seq == next && as_remembered();
}

static void rewind_text(void)
{
	const __u32 text = SSHOBS_FORMAT_TEXT;

	ioctl(given->fd, SSHOBS_IOC_SET_FORMAT, &text);
	rewind_records();
}

/* The rest of it comes next, and makes up the same text. */
static bool text_goes_on(long ret)
{
	static char *whole;
	static long whole_len;
	long have = ret > 0 ? ret : 0, len;

	while ((len = read(given->fd, given->buf + have, RECORDS_ROOM - have)) > 0)
		have += len;
	if (!whole) {
		whole = memcpy(malloc(have), given->buf, have);
		whole_len = have;
	}
	return have == whole_len && !memcmp(whole, given->buf, have) && as_remembered();
}

static long call_poll(void)
{
	struct pollfd poll_fd = { .fd = given->fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1 ? 0 : -1;
}

static int device;

static void open_to_write(void)
{
	if (!device)
		device = open(DEVICE, O_WRONLY | O_CLOEXEC);
	remember();
}

static long call_write(void)
{
	return write(device, "a mark", 6);
}

static bool written_or_not(long ret)
{
	return stats_now().written == given->stats.written + (ret == 6) && (ret == 6 || as_remembered());
}

static long call_info(void)
{
	return ioctl(given->fd, SSHOBS_IOC_INFO, given->buf);
}

static long call_stats(void)
{
	return ioctl(given->fd, SSHOBS_IOC_STATS, given->buf);
}

/* Its argument is read by get_user(), which cannot be made to fail. */
static long call_set_format(void)
{
	const __u32 binary = SSHOBS_FORMAT_BINARY;

	return ioctl(given->fd, SSHOBS_IOC_SET_FORMAT, &binary);
}

static long call_probe(void)
{
	memset(given->buf, 0, sizeof(struct sshobs_probe));
	return ioctl(given->fd, SSHOBS_IOC_PROBE, given->buf);
}

static long call_trial(void)
{
	return ioctl(given->fd, SSHOBS_IOC_TRIAL, 0);
}

static long snapshot(unsigned int what)
{
	struct sshobs_snapshot arg = {
		.pid = scene->member[0].pid, .what = what,
		.buf = (uintptr_t)given->buf, .buf_len = RECORDS_ROOM,
	};

	return ioctl(given->fd, SSHOBS_IOC_SNAPSHOT, &arg) ? -1 : (long)arg.len;
}

#define SNAPSHOT_CALL(name, what_)						\
	static long call_snapshot_##name(void)					\
	{									\
		return snapshot(what_);						\
	}									\
	static bool snapshot_##name##_again(long ret)				\
	{									\
		const long again = snapshot(what_);				\
										\
		return again > 0 && (ret < 0 || ret == again) && as_remembered(); \
	}

SNAPSHOT_CALL(task, SSHOBS_SNAPSHOT_TASK)
SNAPSHOT_CALL(fds, SSHOBS_SNAPSHOT_FDS)
SNAPSHOT_CALL(argv, SSHOBS_SNAPSHOT_ARGV)
SNAPSHOT_CALL(environ, SSHOBS_SNAPSHOT_ENVIRON)
SNAPSHOT_CALL(exec_environ, SSHOBS_SNAPSHOT_EXEC_ENVIRON)

/* The one that changes the format comes last. */
static const struct call calls[] = {
	{ "open", call_open, remember, opened },
	{ "read", call_read, rewind_records, next_is_next },
	{ "poll", call_poll, rewind_records, nothing_changed },
	{ "write", call_write, open_to_write, written_or_not },
	{ "INFO", call_info, remember, nothing_changed },
	{ "SET_FORMAT", call_set_format, remember, nothing_changed },
	{ "STATS", call_stats, remember, nothing_changed },
	{ "PROBE", call_probe, remember, nothing_changed },
	{ "TRIAL", call_trial, remember, nothing_changed },
	{ "SNAPSHOT of the task", call_snapshot_task, remember, snapshot_task_again },
	{ "SNAPSHOT of descriptors", call_snapshot_fds, remember, snapshot_fds_again },
	{ "SNAPSHOT of arguments", call_snapshot_argv, remember, snapshot_argv_again },
	{ "SNAPSHOT of the environment", call_snapshot_environ, remember, snapshot_environ_again },
	{ "SNAPSHOT of the environment as given", call_snapshot_exec_environ, remember,
	  snapshot_exec_environ_again },
	{ "read of text", call_read, rewind_text, text_goes_on },
	{}
};

static void fail_until_nothing_fails(struct __test_metadata *_metadata, const struct call *call)
{
	unsigned int nth, failed = 0;
	bool hit = true;
	long ret;
	int err;

	for (nth = 1; hit && nth < POINTS_MAX; nth++) {
		call->before();
		arm(nth);
		ret = call->make();
		err = errno;
		hit = disarm();
		if (ret < 0) {
			failed++;
			EXPECT_TRUE(err == ENOMEM || err == EFAULT) TH_LOG("%s, point %u: %s", call->name, nth, strerror(err));
			EXPECT_TRUE(hit);
		}
		EXPECT_TRUE(call->stands(ret)) TH_LOG("%s, point %u: %ld", call->name, nth, ret);
	}
	EXPECT_FALSE(hit);
	TH_LOG("%s: %u points, at %u of them it failed", call->name, nth - 2, failed);
}

TEST_F_TIMEOUT(failing, a_call_that_fails_changes_nothing, 1800)
{
	const struct call *call;

	/* This harness plays a test also where its setup skipped it. */
	if (!given)
		SKIP(return, "the kernel injects no faults");
	for (call = calls; call->name; call++)
		fail_until_nothing_fails(_metadata, call);
}

/* --- load ------------------------------------------------------------------------ */

static int module_fd(void)
{
	size_t len;
	char *bytes = read_bytes(module_path(), &len);
	int fd = memfd_create("sshobs.ko", MFD_CLOEXEC);

	if (!bytes || write(fd, bytes, len) != (ssize_t)len)
		return -1;
	free(bytes);
	return fd;
}

/* Neither a module, nor a device, nor a probe. */
static bool nothing_is_left(void)
{
	char *kprobes = read_file(DEBUGFS "kprobes/list");
	char *functions = read_file(DEBUGFS "tracing/enabled_functions");
	const bool none = kprobes && functions && !*kprobes && !*functions;

	if (!none)
		printf("# left: %s%s\n", kprobes, functions);
	free(kprobes);
	free(functions);
	return none && !module_loaded() && access(DEVICE, F_OK);
}

static int load(int fd)
{
	return syscall(SYS_finit_module, fd, SMALL, 0);
}

/* By how much of a number that is too high it leaves. */
static unsigned int points_of_load(int fd)
{
	long left;

	arm(POINTS_MAX);
	if (load(fd))
		_exit(125);
	left = points_left();
	if (disarm() || module_unload())
		_exit(125);
	return POINTS_MAX - left;
}

/*
 * That an unload fails is not tried: without memory the kernel cannot take a kprobe out of
 * ftrace, warns, and has no way to say so to the module.
 */
TEST_F_TIMEOUT(member, a_load_that_fails_leaves_nothing, HOURS)
{
	unsigned int points, nth, tried = 0, failed = 0;
	int fd, err, ret;
	bool hit = true;

	if (!can_fail())
		SKIP(return, "the kernel injects no faults");
	log_close(&self->log);
	ASSERT_EQ(0, module_unload());
	fd = module_fd();
	ASSERT_LE(0, fd);
	ASSERT_TRUE(nothing_is_left());
	points = points_of_load(fd);
	for (nth = 1; hit && nth < POINTS_MAX; nth += 1 + points / scaled(LOADS_MAX)) {
		arm(nth);
		ret = load(fd);
		err = errno;
		hit = disarm();
		tried += hit;
		failed += !!ret;
		if (!(tried % 100))
			TH_LOG("%u of %u points", nth, points);
		if (!ret) {
			ASSERT_EQ(0, module_unload());
		} else {
			EXPECT_TRUE(hit) TH_LOG("point %u: %s", nth, strerror(err));
		}
		EXPECT_TRUE(nothing_is_left()) TH_LOG("point %u: %s", nth, ret ? strerror(err) : "loaded");
	}
	EXPECT_FALSE(hit);
	TH_LOG("%u of a load's %u points, at %u of them the module was not loaded", tried, points, failed);
	close(fd);
}

/* --- caches ------------------------------------------------------------------------- */

/* Of the caches that the vm marked as it booted: so many times, when so many bytes were had. */
static bool fail_marked(const char *times, const char *space)
{
	return set("failslab/cache-filter", "Y") && set("failslab/space", space) &&
	       set("failslab/times", times) && set("failslab/probability", "100");
}

/*
 * A hook may be called from a trap, where no nth allocation is counted: there each one of the
 * module's own caches fails, for as long as it is told to.
 */
static bool fail_caches(bool on)
{
	if (!on)
		return set("failslab/probability", "0") && set("failslab/cache-filter", "N");
	return !access("/sys/kernel/slab/sshobs_task/failslab", F_OK) && fail_marked("-1", "0");
}

#define OWN_CACHES	"/sys/kernel/slab/sshobs_*"
#define CACHE_OF_CACHES	"/sys/kernel/slab/kmem_cache_node/object_size"

/* A part of each cache comes from a cache, too; the nth one from now on cannot be had. */
static bool fail_new_cache(unsigned int nth)
{
	char *size = read_file(CACHE_OF_CACHES);
	char space[16];
	bool ok;

	/* So many bytes may be had before; a request for all that is left is one too many. */
	snprintf(space, sizeof(space), "%lu", size ? nth * strtoul(size, NULL, 10) : 0);
	ok = size && fail_marked("1", space);
	free(size);
	return ok;
}

TEST_F_TIMEOUT(member, a_load_without_one_of_its_caches_leaves_nothing, 600)
{
	unsigned int nth;
	glob_t caches;

	if (!can_fail())
		SKIP(return, "the kernel injects no faults");
	ASSERT_EQ(0, glob(OWN_CACHES, 0, NULL, &caches));
	log_close(&self->log);
	ASSERT_EQ(0, module_unload());
	for (nth = 1; nth <= caches.gl_pathc; nth++) {
		ASSERT_TRUE(fail_new_cache(nth));
		EXPECT_EQ(-ENOMEM, module_load(PORTS)) TH_LOG("cache %u", nth);
		ASSERT_TRUE(fail_caches(false));
		EXPECT_TRUE(nothing_is_left()) TH_LOG("cache %u", nth);
	}
	TH_LOG("each of %zu caches", caches.gl_pathc);
	globfree(&caches);
	EXPECT_EQ(0, module_load(PORTS));
}

/* --- hooks -------------------------------------------------------------------------- */

#define CHILDREN	1000

static void fork_unseen(int sock)
{
	unsigned long i;

	(void)sock;
	if (!fail_caches(true))
		_exit(125);
	for (i = 0; i < scaled(CHILDREN); i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid < 0)
			_exit(124);
		waitpid(pid, NULL, 0);
	}
	if (!fail_caches(false))
		_exit(125);
}

TEST_F_TIMEOUT(member, a_child_that_cannot_be_followed_marks_its_session, 1800)
{
	struct sshobs_stats before, after;
	const struct sshobs_end *end;

	if (!can_fail())
		SKIP(return, "the kernel injects no faults");
	before = stats_of(_metadata, self->log.fd);
	let(_metadata, self, fork_unseen);
	after = stats_of(_metadata, self->log.fd);
	TH_LOG("%llu children could not be followed", after.tasks_untracked - before.tasks_untracked);
	end = body(log_find(&self->log, IN(SSHOBS_END, self->session)));
	EXPECT_EQ(scaled(CHILDREN), after.tasks_untracked - before.tasks_untracked);
	EXPECT_EQ(1U, count_of(self, SSHOBS_CLONE));
	EXPECT_EQ(1U, count_of(self, SSHOBS_EXIT));
	EXPECT_EQ(SSHOBS_INCOMPLETE_TASKS, end->incomplete);
	EXPECT_EQ(before.tasks, after.tasks);
	EXPECT_EQ(before.sessions, after.sessions);
}

/* How a program found itself that began while something was to fail. */
#define NOT_REACHED	7
#define NO_ENVIRON	8
#define AS_EVER		9

static int find_environ(void)
{
	struct sshobs_snapshot arg = {
		.pid = getpid(), .what = SSHOBS_SNAPSHOT_EXEC_ENVIRON, .buf_len = RECORDS_ROOM,
	};
	static char buf[RECORDS_ROOM];
	int fd = open(DEVICE, O_RDONLY | O_CLOEXEC);

	arg.buf = (uintptr_t)buf;
	if (!ioctl(fd, SSHOBS_IOC_SNAPSHOT, &arg))
		return AS_EVER;
	return errno == ENODATA ? NO_ENVIRON : 126;
}

static int play_program(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	reopen();
	return disarm() ? find_environ() : NOT_REACHED;
}

static void exec_until_nothing_fails(int sock)
{
	unsigned int *count = (void *)&scene->member[MEMBERS_MAX / 2], nth;
	int status = 0;

	(void)sock;
	for (nth = 1; nth < POINTS_MAX && !(WIFEXITED(status) && WEXITSTATUS(status) == NOT_REACHED);
	     nth++) {
		pid_t pid = fork();

		if (!pid) {
			reopen();
			arm(nth);
			execl(self_path(), "failnth", "role:program", NULL);
			while (!disarm())
				;
			_exit(127);
		}
		waitpid(pid, &status, 0);
		count[WIFEXITED(status) ? WEXITSTATUS(status) & 127 : 0]++;
	}
	scene->number = nth;
}

TEST_F_TIMEOUT(member, an_exec_without_memory_is_told_all_the_same, 1800)
{
	const unsigned int *count;
	struct sshobs_stats before, after;
	const struct sshobs_end *end;

	if (!can_fail())
		SKIP(return, "the kernel injects no faults");
	before = stats_of(_metadata, self->log.fd);
	let(_metadata, self, exec_until_nothing_fails);
	after = stats_of(_metadata, self->log.fd);
	count = (const void *)&scene->member[MEMBERS_MAX / 2];
	TH_LOG("up to point %d: %u programs as ever, %u without their environment, %u failed, %u died of it",
	       scene->number, count[AS_EVER], count[NO_ENVIRON], count[127], count[0]);
	EXPECT_EQ(1U, count[NOT_REACHED]);
	EXPECT_EQ(0U, count[126]);
	end = body(log_find(&self->log, IN(SSHOBS_END, self->session)));
	EXPECT_EQ(0U, end->incomplete);
	EXPECT_EQ(end->execs, count_of(self, SSHOBS_EXEC));
	EXPECT_LE(count[AS_EVER] + count[NO_ENVIRON] + 1, end->execs);
	EXPECT_EQ(before.tasks, after.tasks);
}

/* Only now, so that whoever began this one is followed. */
static int play_heir(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return fail_caches(false) ? find_environ() : 125;
}

/* One of 4 KiB is kept in kmalloc-8k, which is marked as well, and nothing else of an exec is. */
static void exec_without_environment(int sock)
{
	static char variable[SSHOBS_ENVIRON_MAX];
	char *environment[] = { variable, NULL };
	pid_t pid = fork();
	int status;

	(void)sock;
	memset(variable, 'e', sizeof(variable) - 1);
	if (!pid) {
		if (fail_caches(true))
			execle(self_path(), "failnth", "role:heir", NULL, environment);
		fail_caches(false);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	scene->number = WEXITSTATUS(status);
}

/* Which of an exec's points this is differs from one to the next, so that the test above may miss it. */
TEST_F_TIMEOUT(member, an_exec_whose_environment_cannot_be_kept_is_told_without, 600)
{
	const struct sshobs_end *end;

	if (!can_fail())
		SKIP(return, "the kernel injects no faults");
	let(_metadata, self, exec_without_environment);
	EXPECT_EQ(NO_ENVIRON, scene->number);
	end = body(log_find(&self->log, IN(SSHOBS_END, self->session)));
	EXPECT_EQ(1U, count_of(self, SSHOBS_EXEC));
	EXPECT_EQ(0U, end->incomplete);
}

static void connect_unseen(int sock)
{
	(void)sock;
	if (!fail_caches(true))
		_exit(125);
	/* Nobody listens there. */
	if (connect_to(AF_INET, 1, NULL) >= 0 || !fail_caches(false))
		_exit(125);
}

TEST_F_TIMEOUT(member, a_connect_that_cannot_be_watched_marks_its_session, 600)
{
	const struct sshobs_connect *begun;
	const struct sshobs_end *end;

	if (!can_fail())
		SKIP(return, "the kernel injects no faults");
	let(_metadata, self, connect_unseen);
	EXPECT_EQ(1U, count_of(self, SSHOBS_CONNECT));
	begun = nth(self, SSHOBS_CONNECT, 0);
	ASSERT_NE(NULL, begun);
	EXPECT_EQ((__u32)SSHOBS_CONNECT_BEGUN, begun->flags);
	end = body(log_find(&self->log, IN(SSHOBS_END, self->session)));
	EXPECT_EQ(SSHOBS_INCOMPLETE_UNWATCHED, end->incomplete);
}

/* A prompt for those who look from outside: it polls its terminal. */
static int play_prompter(int argc, char **argv)
{
	struct pollfd terminal = { .fd = STDIN_FILENO, .events = POLLIN };

	(void)argc;
	(void)argv;
	return !fail_caches(true) || poll(&terminal, 1, 0) < 0 || !fail_caches(false);
}

static void prompt_unread(int sock)
{
	int master = open_master(), slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	pid_t pid = fork();
	int status;

	(void)sock;
	if (!pid) {
		dup2(slave, STDIN_FILENO);
		execl(self_path(), "failnth", "role:prompter", NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	scene->number = status;
}

TEST_F_TIMEOUT(member, a_prompt_whose_processes_cannot_be_read_marks_its_session, 600)
{
	const struct sshobs_end *end;

	if (!can_fail())
		SKIP(return, "the kernel injects no faults");
	let(_metadata, self, prompt_unread);
	EXPECT_EQ(0, scene->number);
	EXPECT_EQ(1U, count_of(self, SSHOBS_PROMPT));
	EXPECT_EQ(0U, count_of(self, SSHOBS_READING));
	end = body(log_find(&self->log, IN(SSHOBS_END, self->session)));
	EXPECT_EQ(SSHOBS_INCOMPLETE_READING, end->incomplete);
}

static void accept_unseen(void)
{
	unsigned long i;

	if (!fail_caches(true))
		_exit(125);
	for (i = 0; i < scaled(CHILDREN); i++) {
		int client = connect_to(AF_INET, PORT_NESTED, NULL);

		close(accept4(nested_listener, NULL, NULL, SOCK_CLOEXEC));
		close(client);
	}
	if (!fail_caches(false))
		_exit(125);
}

TEST_F_TIMEOUT(member, a_session_that_cannot_be_followed_is_counted, 1800)
{
	struct sshobs_stats before, after;

	if (!can_fail())
		SKIP(return, "the kernel injects no faults");
	before = stats_of(_metadata, self->log.fd);
	self->release = scene_start(AF_INET, accept_unseen, &self->server);
	ASSERT_EQ(0, wait_for(self->server));
	close(self->release);
	ASSERT_TRUE(log_sync(&self->log));
	after = stats_of(_metadata, self->log.fd);
	TH_LOG("%llu sessions could not be followed",
	       after.sessions_untracked - before.sessions_untracked);
	EXPECT_EQ(scaled(CHILDREN), after.sessions_untracked - before.sessions_untracked);
	EXPECT_EQ(0U, log_count(&self->log, WANT(.type = SSHOBS_ACCEPT)));
	EXPECT_EQ(before.sessions_total, after.sessions_total);
	EXPECT_EQ(before.tasks, after.tasks);
}

SELFTEST_MAIN(
	{ "program", play_program },
	{ "heir", play_heir },
	{ "prompter", play_prompter },
)
