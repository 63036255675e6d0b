// SPDX-License-Identifier: GPL-2.0
/* Bad input gets its documented errno, and changes nothing. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <linux/userfaultfd.h>
#include <unistd.h>

#include "device.h"

#define PAGE		4096UL

/* --- numbers ---------------------------------------------------------------- */

/* Around the real ones: 0x40 to 0x44, of 4 to 120 bytes. 4 * 12 * 128 is 6144. */
#define DIRECTIONS	4
#define NR_FIRST	0x3d
#define NRS		12
#define SIZES		128

/* Its argument may be longer than this version knows. */
static bool is_snapshot(unsigned int cmd)
{
	return _IOC_DIR(cmd) == (_IOC_READ | _IOC_WRITE) &&
	       _IOC_TYPE(cmd) == SSHOBS_IOC_MAGIC &&
	       _IOC_NR(cmd) == _IOC_NR(SSHOBS_IOC_SNAPSHOT) &&
	       _IOC_SIZE(cmd) >= sizeof(struct sshobs_snapshot);
}

static bool is_known(unsigned int cmd)
{
	return cmd == SSHOBS_IOC_INFO || cmd == SSHOBS_IOC_SET_FORMAT ||
	       cmd == SSHOBS_IOC_STATS || cmd == SSHOBS_IOC_PROBE || cmd == SSHOBS_IOC_TRIAL ||
	       is_snapshot(cmd);
}

/* What is said to an argument whose bits are all set: no format has that number, and no flag. */
static int errno_for_ones(unsigned int cmd)
{
	if (!is_known(cmd))
		return ENOTTY;
	if (cmd == SSHOBS_IOC_INFO || cmd == SSHOBS_IOC_STATS)
		return 0;
	return _IOC_SIZE(cmd) > sizeof(struct sshobs_snapshot) && is_snapshot(cmd) ? E2BIG : EINVAL;
}

/* Are these bytes all set? */
static bool are_ones(const unsigned char *bytes, size_t len)
{
	while (len && *bytes == 0xff) {
		bytes++;
		len--;
	}
	return !len;
}

/* What an ioctl returned: 0 or the errno. */
static int call(int fd, unsigned int cmd, void *arg)
{
	return ioctl(fd, cmd, arg) ? errno : 0;
}

static void expect_all_numbers(struct __test_metadata *_metadata, FIXTURE_DATA(device) *self,
			       unsigned char *arg, int (*ask)(int fd, unsigned int cmd, void *arg))
{
	const size_t room = 2 * SIZES;
	unsigned int d, nr, size, count = 0, real = 0;

	for (d = 0; d < DIRECTIONS; d++)
		for (nr = NR_FIRST; nr < NR_FIRST + NRS; nr++)
			for (size = 0; size < SIZES; size++) {
				unsigned int cmd = _IOC(d, SSHOBS_IOC_MAGIC, nr, size);
				int want = errno_for_ones(cmd);

				memset(arg, 0xff, room);
				ASSERT_EQ(want, ask(self->fd, cmd, arg)) TH_LOG("%x", cmd);
				ASSERT_TRUE(are_ones(arg + (want ? 0 : size), room - (want ? 0 : size)))
					TH_LOG("%x wrote where it must not", cmd);
				ASSERT_TRUE(is_untouched(self)) TH_LOG("after %x", cmd);
				count++;
				real += is_known(cmd);
			}
	EXPECT_EQ(6144U, count);
	/* Five of one size, and one of 40 to 127 bytes. */
	EXPECT_EQ(5U + 88, real);
	expect_untouched(_metadata, self);
}

TEST_F(device, each_of_the_6144_ioctls_around_the_real_ones_gets_its_errno)
{
	unsigned char arg[2 * SIZES];

	expect_all_numbers(_metadata, self, arg, call);
}

#ifdef __x86_64__
/* As a program of 32 bits does it. */
static int call_32(int fd, unsigned int cmd, void *arg)
{
	const long nr = 54;
	int ret;

	__asm__ volatile("int $0x80"
			 : "=a" (ret)
			 : "a" (nr), "b" (fd), "c" (cmd), "d" ((uint32_t)(uintptr_t)arg)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret < 0 ? -ret : 0;
}

/* Where the kernel was built without it, or it is turned off, asking kills. */
static bool has_32_bits(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(call_32(-1, 0, NULL) != EBADF);
	return !wait_for(pid);
}

TEST_F(device, and_so_does_each_from_a_program_of_32_bits)
{
	unsigned char *arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)arg);
	if (!has_32_bits())
		SKIP(return, "this kernel does not run programs of 32 bits");
	expect_all_numbers(_metadata, self, arg, call_32);
}
#endif

TEST_F(device, an_unknown_ioctl_is_ENOTTY)
{
	static const unsigned int sizes[] = { 0, 4, 8, 32, 88, 104, 16383 };
	char arg[16384] = {};
	unsigned int nr, d, s;

	for (nr = 0; nr < 256; nr++)
		for (d = 0; d < DIRECTIONS; d++)
			for (s = 0; s < ARRAY_SIZE(sizes); s++) {
				unsigned int cmd = _IOC(d, SSHOBS_IOC_MAGIC, nr, sizes[s]);

				if (is_known(cmd))
					continue;
				ASSERT_EQ(ENOTTY, call(self->fd, cmd, arg)) TH_LOG("%x", cmd);
			}
	expect_untouched(_metadata, self);
}

TEST_F(device, an_ioctl_of_another_kind_of_device_is_ENOTTY)
{
	static const unsigned int others[] = {
		TCGETS, TIOCGWINSZ, TIOCSTI, FIONREAD, _IO(0x42, 0x40), 0x2400, 0xdeadbeef,
	};
	char arg[256] = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_EQ(ENOTTY, call(self->fd, others[i], arg)) TH_LOG("%x", others[i]);
	}
	expect_untouched(_metadata, self);
}

TEST_F(device, an_unknown_format_is_EINVAL)
{
	static const __u32 formats[] = { 2, 3, 255, 256, 1U << 31, ~0U };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		EXPECT_EQ(EINVAL, call(self->fd, SSHOBS_IOC_SET_FORMAT, (void *)&formats[i]));
	}
	expect_untouched(_metadata, self);
}

TEST_F(device, a_probe_past_the_last_is_ENOENT)
{
	static const __u32 beyond[] = { 1000, 1U << 31, ~0U };
	struct sshobs_probe probe;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		probe = (struct sshobs_probe){ .index = beyond[i] };
		EXPECT_EQ(ENOENT, call(self->fd, SSHOBS_IOC_PROBE, &probe));
	}
	expect_untouched(_metadata, self);
}

TEST_F(device, flags_in_a_probe_are_EINVAL_even_past_the_last)
{
	struct sshobs_probe probe;
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		probe = (struct sshobs_probe){ .index = bit % 2 ? ~0U : 0, .flags = 1U << bit };
		EXPECT_EQ(EINVAL, call(self->fd, SSHOBS_IOC_PROBE, &probe));
	}
	expect_untouched(_metadata, self);
}

/* --- pointers --------------------------------------------------------------- */

/**
 * struct bad_pointer - where no struct, record or text can be written
 * @name: its kind
 * @at: the address
 * @readable: it can be read, and holds zeroes
 */
struct bad_pointer {
	const char	*name;
	void		*at;
	bool		readable;
};

#define BAD_KINDS	8
#define BAD_POINTERS	11

static void *map(size_t len, int prot)
{
	return mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Two bytes before a hole: whatever there is begins well and ends badly. */
static char *before_a_hole(void)
{
	char *gap = map(2 * PAGE, PROT_READ | PROT_WRITE);

	munmap(gap + PAGE, PAGE);
	return gap + PAGE - 2;
}

/* A page of a file that ends before it: who touches it gets SIGBUS. */
static void *past_the_end(void)
{
	FILE *file = tmpfile();
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);

	fclose(file);
	return at;
}

static void bad_pointers(struct bad_pointer bad[BAD_POINTERS])
{
	char *unmapped = map(16 * PAGE, PROT_READ);
	const struct bad_pointer all[BAD_POINTERS] = {
		{ "NULL", NULL },
		{ "unmapped", unmapped },
		{ "the kernel's", (void *)0xffff888000001000 },
		{ "the kernel's", (void *)0xffffffff81000000 },
		{ "the kernel's", (void *)-PAGE },
		{ "not canonical", (void *)0x0000800000000000 },
		{ "not canonical", (void *)0x8000000000000000 },
		{ "no access", map(16 * PAGE, PROT_NONE) },
		{ "ends before a hole", before_a_hole() },
		{ "past the end of a file", past_the_end() },
		{ "read-only", map(16 * PAGE, PROT_READ), .readable = true },
	};

	munmap(unmapped, 16 * PAGE);
	memcpy(bad, all, sizeof(all));
}

TEST_F(device, there_are_8_kinds_of_bad_pointers)
{
	struct bad_pointer bad[BAD_POINTERS];
	unsigned int i, kinds = 1;

	bad_pointers(bad);
	for (i = 1; i < BAD_POINTERS; i++) {
		kinds += !!strcmp(bad[i].name, bad[i - 1].name);
		EXPECT_NE(MAP_FAILED, bad[i].at) TH_LOG("%s", bad[i].name);
	}
	EXPECT_EQ(BAD_KINDS, kinds);
}

TEST_F(device, a_bad_pointer_is_EFAULT_for_every_ioctl_and_changes_nothing)
{
	static const unsigned int cmds[] = {
		SSHOBS_IOC_INFO, SSHOBS_IOC_STATS, SSHOBS_IOC_PROBE, SSHOBS_IOC_SET_FORMAT,
		SSHOBS_IOC_SNAPSHOT, SSHOBS_IOC_SNAPSHOT + (100U << _IOC_SIZESHIFT),
	};
	struct bad_pointer bad[BAD_POINTERS];
	unsigned int i, cmd;

	bad_pointers(bad);
	for (cmd = 0; cmd < ARRAY_SIZE(cmds); cmd++)
		for (i = 0; i < BAD_POINTERS; i++) {
			/* SET_FORMAT only reads. What SNAPSHOT reads is a test of its own. */
			if (bad[i].readable && cmd > 2)
				continue;
			EXPECT_EQ(EFAULT, call(self->fd, cmds[cmd], bad[i].at))
				TH_LOG("ioctl %u, %s", cmd, bad[i].name);
			EXPECT_TRUE(is_untouched(self)) TH_LOG("ioctl %u, %s", cmd, bad[i].name);
		}
	expect_untouched(_metadata, self);
}

/* All is well until the answer is to be written. */
TEST_F(device, a_snapshot_whose_argument_is_read_only_is_EFAULT)
{
	struct sshobs_snapshot *snapshot = map(PAGE, PROT_READ | PROT_WRITE);
	char buf[8192];

	*snapshot = (struct sshobs_snapshot){
		.pid = getpid(), .what = SSHOBS_SNAPSHOT_TASK, .buf = (uintptr_t)buf,
		.buf_len = sizeof(buf),
	};
	ASSERT_EQ(0, mprotect(snapshot, PAGE, PROT_READ));
	EXPECT_EQ(EFAULT, call(self->fd, SSHOBS_IOC_SNAPSHOT, snapshot));
	EXPECT_EQ(0ULL, snapshot->len);
	expect_untouched(_metadata, self);
}

/* A member of a session, that became a program and waits for its client. */
static pid_t start_member(int *client)
{
	int listener = listen_on(AF_INET, PORT), sock;
	pid_t pid;

	*client = connect_to(AF_INET, PORT, NULL);
	sock = accept(listener, NULL, NULL);
	pid = fork();
	if (!pid) {
		dup2(sock, STDIN_FILENO);
		execle("/bin/cat", "cat", NULL, (char *[]){ "VARIABLE=value", NULL });
		_exit(127);
	}
	close(sock);
	close(listener);
	return pid;
}

static int snapshot_into(int fd, pid_t pid, unsigned int what, void *buf)
{
	struct sshobs_snapshot snapshot = {
		.pid = pid, .what = what, .buf = (uintptr_t)buf, .buf_len = 65536,
	};

	return call(fd, SSHOBS_IOC_SNAPSHOT, &snapshot);
}

TEST_F(device, a_bad_buffer_in_a_snapshot_is_EFAULT_whatever_was_asked_for)
{
	struct bad_pointer bad[BAD_POINTERS];
	unsigned int what, i;
	static char buf[65536];
	int client;
	pid_t pid;

	pid = start_member(&client);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(wait_in_syscall(pid, SYS_read));
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_STATS, &self->stats));
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_INFO, &self->info));
	bad_pointers(bad);
	for (what = SSHOBS_SNAPSHOT_TASK; what <= SSHOBS_SNAPSHOT_EXEC_ENVIRON; what++) {
		for (i = 0; i < BAD_POINTERS; i++) {
			EXPECT_EQ(EFAULT, snapshot_into(self->fd, pid, what, bad[i].at))
				TH_LOG("%u, %s", what, bad[i].name);
			EXPECT_TRUE(is_untouched(self)) TH_LOG("%u, %s", what, bad[i].name);
		}
		EXPECT_EQ(0, snapshot_into(self->fd, pid, what, buf)) TH_LOG("%u", what);
	}
	close(client);
	EXPECT_EQ(0, wait_for(pid));
}

static void expect_bad_reads(struct __test_metadata *_metadata, FIXTURE_DATA(device) *self)
{
	struct bad_pointer bad[BAD_POINTERS];
	unsigned int i;

	bad_pointers(bad);
	for (i = 0; i < BAD_POINTERS; i++) {
		EXPECT_EQ(-1, syscall(SYS_read, self->fd, bad[i].at, 65536))
			TH_LOG("%s", bad[i].name);
		EXPECT_EQ(EFAULT, errno) TH_LOG("%s", bad[i].name);
	}
}

TEST_F(device, a_bad_pointer_is_EFAULT_for_read_and_the_record_stays)
{
	expect_bad_reads(_metadata, self);
	expect_untouched(_metadata, self);
}

TEST_F(device, a_bad_pointer_is_EFAULT_for_read_of_text_and_the_line_stays)
{
	const __u32 text = SSHOBS_FORMAT_TEXT, binary = SSHOBS_FORMAT_BINARY;

	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_SET_FORMAT, &text));
	expect_bad_reads(_metadata, self);
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_SET_FORMAT, &binary));
	expect_untouched(_metadata, self);
}

TEST_F(device, a_bad_pointer_is_EFAULT_for_write_and_marks_nothing)
{
	int fd = open(DEVICE, O_WRONLY);
	struct bad_pointer bad[BAD_POINTERS];
	unsigned int i;

	bad_pointers(bad);
	for (i = 0; i < BAD_POINTERS; i++) {
		if (bad[i].readable)
			continue;
		EXPECT_EQ(-1, syscall(SYS_write, fd, bad[i].at, 100)) TH_LOG("%s", bad[i].name);
		EXPECT_EQ(EFAULT, errno) TH_LOG("%s", bad[i].name);
	}
	close(fd);
	expect_untouched(_metadata, self);
}

TEST_F(device, a_pointer_that_is_not_aligned_is_a_good_one)
{
	static char bytes[8192], buf[8192];
	struct sshobs_snapshot snapshot = {
		.pid = getpid(), .what = SSHOBS_SNAPSHOT_TASK, .buf_len = 4096,
	};
	const __u32 binary = SSHOBS_FORMAT_BINARY;
	unsigned int i;

	for (i = 1; i < 8; i++) {
		EXPECT_EQ(0, call(self->fd, SSHOBS_IOC_INFO, bytes + i));
		EXPECT_EQ(0, memcmp(bytes + i + offsetof(struct sshobs_info, next_seq),
				    &self->info.next_seq, 8));
		EXPECT_EQ(0, call(self->fd, SSHOBS_IOC_STATS, bytes + i));
		EXPECT_EQ(0, memcmp(bytes + i, &self->stats, sizeof(self->stats)));
		memset(bytes, 0, sizeof(bytes));
		EXPECT_EQ(0, call(self->fd, SSHOBS_IOC_PROBE, bytes + i));
		memcpy(bytes + i, &binary, sizeof(binary));
		EXPECT_EQ(0, call(self->fd, SSHOBS_IOC_SET_FORMAT, bytes + i));
		snapshot.buf = (uintptr_t)buf + i;
		memcpy(bytes + i, &snapshot, sizeof(snapshot));
		EXPECT_EQ(0, call(self->fd, SSHOBS_IOC_SNAPSHOT, bytes + i));
	}
	expect_untouched(_metadata, self);
}

/* --- whatever comes --------------------------------------------------------- */

/* xorshift64: a failure can be had again. */
static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static unsigned int below(unsigned int bound)
{
	return (any() >> 16) % bound;
}

/* The kernel answers these for every file: FIOCLEX and its like. */
static bool is_of_every_file(unsigned int cmd)
{
	static const unsigned char types[] = { 0, 'T', 'X', 'f', 0x94, 0x15 };

	return memchr(types, _IOC_TYPE(cmd), sizeof(types));
}

/* Half of them are not far from the real ones. */
static unsigned int any_cmd(void)
{
	static const unsigned int real[] = {
		SSHOBS_IOC_INFO, SSHOBS_IOC_SET_FORMAT, SSHOBS_IOC_STATS, SSHOBS_IOC_PROBE,
		SSHOBS_IOC_SNAPSHOT,
	};
	unsigned int cmd = real[below(ARRAY_SIZE(real))];

	if (below(2)) {
		do {
			cmd = any();
		} while (is_of_every_file(cmd));
		return cmd;
	}
	switch (below(5)) {
	case 0:
		return cmd;
	case 1:
		return cmd ^ 1U << below(32);
	case 2:
		return _IOC(below(4), SSHOBS_IOC_MAGIC, _IOC_NR(cmd), _IOC_SIZE(cmd));
	case 3:
		return _IOC(_IOC_DIR(cmd), SSHOBS_IOC_MAGIC, below(256), _IOC_SIZE(cmd));
	default:
		return _IOC(_IOC_DIR(cmd), SSHOBS_IOC_MAGIC, _IOC_NR(cmd), below(16384));
	}
}

/* The largest argument that an ioctl can have, and as much again. */
#define ARG_ROOM	32768
#define ARG_FILLED	256

/* What the calls have done so far is what they were to do. */
struct random {
	unsigned char		*arg;
	unsigned char		before[ARG_FILLED];
	char			*buf;
	struct bad_pointer	bad[BAD_POINTERS];
	unsigned int		probes;
};

/* A snapshot that somebody might ask for, more or less. */
static void any_snapshot(struct random *random)
{
	const __u32 pids[] = { getpid(), 1, 2, 0, ~0U, any() };
	struct sshobs_snapshot snapshot = {
		.pid = pids[below(ARRAY_SIZE(pids))], .what = below(7),
		.buf = (uintptr_t)random->buf, .buf_len = below(2) ? 65536 : below(1000),
		.start_ns = below(8) ? 0 : any(), .flags = below(8) ? 0 : any(),
	};

	if (!below(4))
		snapshot.buf = (uintptr_t)random->bad[below(BAD_POINTERS)].at;
	memcpy(random->arg, &snapshot, sizeof(snapshot));
}

static void any_arg(struct random *random)
{
	const __u32 small[2] = { below(80), below(4) };
	unsigned int i;

	memset(random->arg, below(4) ? 0 : 0xff, ARG_FILLED);
	switch (below(4)) {
	case 0:
		for (i = 0; i < ARG_FILLED; i++)
			random->arg[i] = any();
		break;
	case 1:
		memcpy(random->arg, small, sizeof(small));
		break;
	case 2:
		any_snapshot(random);
		break;
	}
	memcpy(random->before, random->arg, ARG_FILLED);
}

static bool is_zero(const unsigned char *bytes, size_t from, size_t to)
{
	while (from < to && !bytes[from])
		from++;
	return from >= to;
}

static bool is_snapshot_errno(int error)
{
	return !error || error == ESRCH || error == EFAULT || error == EOVERFLOW ||
	       error == ENODATA || error == EAGAIN;
}

/* Is it what the interface promises? Follows the format that is set. */
static bool is_right(const struct random *random, unsigned int cmd, int error, __u32 *format)
{
	const struct sshobs_snapshot *snapshot = (void *)random->before;
	const __u32 *words = (void *)random->before;
	size_t size = _IOC_SIZE(cmd);

	if (!is_known(cmd))
		return error == ENOTTY;
	switch (cmd) {
	case SSHOBS_IOC_INFO:
	case SSHOBS_IOC_STATS:
		return !error;
	case SSHOBS_IOC_SET_FORMAT:
		if (words[0] <= SSHOBS_FORMAT_BINARY)
			*format = words[0];
		return error == (words[0] <= SSHOBS_FORMAT_BINARY ? 0 : EINVAL);
	case SSHOBS_IOC_TRIAL:
		return error == EINVAL;
	case SSHOBS_IOC_PROBE:
		return error == (words[1] ? EINVAL : words[0] >= random->probes ? ENOENT : 0);
	}
	if (!is_zero(random->before, sizeof(*snapshot), size < ARG_FILLED ? size : ARG_FILLED))
		return error == E2BIG;
	if (snapshot->flags || !snapshot->what || snapshot->what > SSHOBS_SNAPSHOT_EXEC_ENVIRON)
		return error == EINVAL;
	return is_snapshot_errno(error);
}

static bool is_right_for_bad(const struct bad_pointer *bad, unsigned int cmd, int error,
			     __u32 *format)
{
	if (!is_known(cmd))
		return error == ENOTTY;
	if (!bad->readable || (cmd != SSHOBS_IOC_SET_FORMAT && !is_snapshot(cmd)))
		return error == EFAULT;
	/* Zeroes: that is a format, and no question. */
	if (cmd == SSHOBS_IOC_SET_FORMAT)
		*format = SSHOBS_FORMAT_TEXT;
	return error == (is_snapshot(cmd) ? EINVAL : 0);
}

/* What was refused wrote nothing, and nothing wrote behind the argument. */
static bool arg_is_right(const struct random *random, unsigned int cmd, int error)
{
	size_t kept = error && error != EOVERFLOW ? 0 : _IOC_SIZE(cmd);

	if (is_snapshot(cmd) && kept > sizeof(struct sshobs_snapshot))
		kept = sizeof(struct sshobs_snapshot);
	return error == EFAULT ||
	       !memcmp(random->arg + kept, random->before + kept, ARG_FILLED - kept);
}

TEST_F(device, random_ioctls_with_random_arguments_get_their_errno)
{
	static struct random random;
	unsigned long i, count = scaled(1000000), real = 0, taken = 0;
	struct sshobs_probe probes[PROBES_MAX];
	const __u32 binary = SSHOBS_FORMAT_BINARY;
	struct bad_pointer *bad;
	unsigned int cmd;
	int error;

	random.arg = map(ARG_ROOM, PROT_READ | PROT_WRITE);
	random.buf = map(65536, PROT_READ | PROT_WRITE);
	random.probes = probes_read(self->fd, probes);
	bad_pointers(random.bad);
	for (i = 0; i < count; i++) {
		cmd = any_cmd();
		bad = below(8) ? NULL : &random.bad[below(BAD_POINTERS)];
		/* It takes no pointer, and with NULL it is no mistake. */
		if (cmd == SSHOBS_IOC_TRIAL)
			bad = NULL;
		any_arg(&random);
		error = call(self->fd, cmd, bad ? bad->at : random.arg);
		ASSERT_TRUE(bad ? is_right_for_bad(bad, cmd, error, &self->info.format) :
				  is_right(&random, cmd, error, &self->info.format))
			TH_LOG("ioctl %lu, %x: %s, %s", i, cmd, strerror(error), bad ? bad->name : "");
		ASSERT_TRUE(arg_is_right(&random, cmd, error)) TH_LOG("ioctl %lu, %x", i, cmd);
		ASSERT_TRUE(is_untouched(self)) TH_LOG("after ioctl %lu, %x", i, cmd);
		real += is_known(cmd);
		taken += !error;
	}
	TH_LOG("%lu ioctls, %lu of them real, %lu succeeded", count, real, taken);
	EXPECT_LT(count / 20, real);
	EXPECT_LT(count / 50, taken);
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_SET_FORMAT, &binary));
	self->info.format = binary;
	expect_untouched(_metadata, self);
}

/* --- faults in the middle --------------------------------------------------- */

/* The longest line of a mark of these lengths has fewer bytes than that. */
#define TEXT_LONGEST	1000
#define NEAR		2000

static bool any_mark(void)
{
	char text[TEXT_LONGEST];
	size_t len = 1 + below(sizeof(text));

	memset(text, 'a' + below(26), sizeof(text));
	return mark(text, len) == (ssize_t)len;
}

/* Read to just before a hole. The bytes are at the address that is returned. */
static const char *read_before_hole(int fd, char *hole, ssize_t *len)
{
	char *at = hole - 1 - below(NEAR);

	*len = read(fd, at, 65536);
	return at;
}

/* Records of one reader: each is the next one, but for those of which a loss tells. */
struct tally {
	uint64_t	next, received, lost;
};

static bool tally(struct tally *tally, const char *bytes, ssize_t len)
{
	struct sshobs_hdr hdr;
	__u64 lost;

	for (; len > 0; bytes += hdr.len, len -= hdr.len) {
		if (len < (ssize_t)sizeof(hdr))
			return false;
		memcpy(&hdr, bytes, sizeof(hdr));
		if (hdr.seq != tally->next || hdr.len > len)
			return false;
		tally->received++;
		tally->next++;
		if (hdr.type != SSHOBS_LOST)
			continue;
		memcpy(&lost, bytes + hdr.hdr_len, sizeof(lost));
		tally->received--;
		tally->lost += lost;
		tally->next += lost - 1;
	}
	return !len;
}

TEST_F(device, a_fault_in_the_middle_of_a_read_loses_no_record)
{
	char *hole = before_a_hole() + 2, buf[SSHOBS_RECORD_MAX];
	unsigned long i, faults = 0, reads = 0;
	struct sshobs_info info;
	struct tally seen;
	const char *bytes;
	ssize_t len;
	int fd;

	/* Small enough that the reader is overtaken now and then. */
	close(self->fd);
	ASSERT_EQ(0, module_want(PORTS " ring_kb=64"));
	self->fd = fd = records_open(O_NONBLOCK);
	ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_INFO, &info));
	seen = (struct tally){ .next = info.oldest_seq };
	for (i = 0; i < scaled(500000); i++) {
		ASSERT_TRUE(any_mark());
		if (below(200) < 100)
			continue;
		bytes = read_before_hole(fd, hole, &len);
		if (len < 0) {
			ASSERT_TRUE(errno == EFAULT || errno == EAGAIN) TH_LOG("%m");
			faults += errno == EFAULT;
			continue;
		}
		reads++;
		ASSERT_TRUE(tally(&seen, bytes, len)) TH_LOG("read %lu, seq %ju", i, seen.next);
	}
	while ((len = read(fd, buf, sizeof(buf))) > 0) {
		ASSERT_TRUE(tally(&seen, buf, len));
	}
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_INFO, &info));
	TH_LOG("%lu faults, %lu reads: %ju received, %ju lost", faults, reads, seen.received,
	       seen.lost);
	EXPECT_EQ(info.next_seq - 1, seen.received + seen.lost);
	EXPECT_LT(scaled(500000) / 20, faults);
	EXPECT_LT(scaled(500000) / 20, reads);
	EXPECT_LT(0ULL, seen.lost);
}

/* Two readers of the same lines, of which only one has faults. */
TEST_F(device, a_fault_in_the_middle_of_a_line_repeats_and_loses_no_byte)
{
	int bad = open(DEVICE, O_RDONLY | O_NONBLOCK), good = open(DEVICE, O_RDONLY | O_NONBLOCK);
	char *hole = before_a_hole() + 2, *text, *again;
	size_t i, have = 0, room = 1 << 20, faults = 0;
	const char *bytes;
	ssize_t len;

	lseek(bad, 0, SEEK_END);
	lseek(good, 0, SEEK_END);
	text = malloc(room);
	again = malloc(room);
	for (i = 0; i < 1000; i++) {
		ASSERT_TRUE(any_mark());
	}
	while ((bytes = read_before_hole(bad, hole, &len)) && (len > 0 || errno == EFAULT)) {
		faults += len < 0;
		if (len < 0)
			continue;
		ASSERT_GE(room, have + len);
		memcpy(text + have, bytes, len);
		have += len;
	}
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_LT(100U, faults);
	for (i = 0; (len = read(good, again + i, room - i)) > 0; i += len)
		;
	ASSERT_EQ(i, have);
	EXPECT_EQ(0, memcmp(text, again, have));
}

/* --- who holds others up ---------------------------------------------------- */

/* Memory that is not there before somebody fills it in, and nobody does. */
static char *memory_that_never_comes(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	char *at = map(PAGE, PROT_READ | PROT_WRITE);
	struct uffdio_register all = {
		.range = { .start = (uintptr_t)at, .len = PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	return fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &all) ?
		       NULL : at;
}

static void seek(int fd)
{
	lseek(fd, 0, SEEK_END);
}

static void ask_info(int fd)
{
	struct sshobs_info info;

	ioctl(fd, SSHOBS_IOC_INFO, &info);
}

static void read_some(int fd)
{
	char buf[SSHOBS_RECORD_MAX];

	if (read(fd, buf, sizeof(buf)) < 0)
		_exit(1);
}

/* One of those that share an open file may wait for memory, in the middle of a read. */
TEST_F(device, who_waits_for_another_reader_of_the_same_file_can_be_killed)
{
	void (*const waits[])(int fd) = { seek, ask_info, read_some };
	pid_t stuck = fork(), pid;
	unsigned int i;
	char *at;

	if (!stuck) {
		at = memory_that_never_comes();
		_exit(at && read(self->fd, at, PAGE) ? 1 : 2);
	}
	if (!wait_in_syscall(stuck, SYS_read)) {
		ASSERT_EQ(2 << 8, wait_for(stuck));
		SKIP(return, "this kernel has no userfaultfd");
	}
	for (i = 0; i < ARRAY_SIZE(waits); i++) {
		pid = fork();
		if (!pid) {
			waits[i](self->fd);
			_exit(0);
		}
		usleep(200000);
		ASSERT_EQ(0, waitpid(pid, NULL, WNOHANG)) TH_LOG("call %u does not wait", i);
		kill(pid, SIGKILL);
		ASSERT_EQ(SIGKILL, wait_for(pid)) TH_LOG("call %u cannot be killed", i);
	}
	kill(stuck, SIGKILL);
	EXPECT_EQ(SIGKILL, wait_for(stuck));
	expect_untouched(_metadata, self);
}

SELFTEST_MAIN()
