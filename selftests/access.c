// SPDX-License-Identifier: GPL-2.0
/* Nobody without the right gets in. Each test is a way to try. */
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
/* With linux/fs.h in it, which older C libraries want after sys/mount.h. */
#include <linux/io_uring.h>

#include "device.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON		38
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open		434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd		438
#endif

#define PARAMETERS		"/sys/module/sshobs/parameters/"
/* What a child exits with when it could not even try. */
#define NOT_TRIED		255

/* --- who tries -------------------------------------------------------------- */

/* Keep these capabilities and no others. */
static bool keep_caps(__u64 caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = caps, .permitted = caps },
		{ .effective = caps >> 32, .permitted = caps >> 32 },
	};

	return !syscall(SYS_capset, &header, data);
}

static bool root(void)
{
	return true;
}

static bool root_without_capabilities(void)
{
	return keep_caps(0);
}

static bool root_without_perfmon_and_admin(void)
{
	return drop_cap(CAP_PERFMON) && drop_cap(CAP_SYS_ADMIN);
}

static bool root_of_a_user_namespace(void)
{
	return become_root_of_namespaces(CLONE_NEWUSER);
}

/* All that a container has of its own; the host's root is its root. */
static bool root_of_a_container(void)
{
	return become_root_of_namespaces(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
					 CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
					 CLONE_NEWCGROUP);
}

/* He could be root again, and has not asked to. */
static bool root_as_a_user(void)
{
	return !setresuid(NOBODY, NOBODY, 0);
}

/* A user who made himself root of namespaces. */
static bool nobody_as_root(void)
{
	char line[32];

	snprintf(line, sizeof(line), "0 %u 1\n", NOBODY);
	return become_nobody() && !prctl(PR_SET_DUMPABLE, 1) &&
	       !unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) &&
	       write_file("/proc/self/uid_map", line, strlen(line)) && !getuid();
}

/**
 * struct intruder - somebody who has no right to open the device
 * @become: become him
 * @closed: what open() says to him while the mode of the node is 0600
 */
struct intruder {
	const char	*name;
	bool		(*become)(void);
	int		closed;
};

/* With mode 0666 the node lets all of them in; the device does not. */
static const struct intruder intruders[] = {
	{ "nobody", become_nobody, EACCES },
	{ "nobody as root of namespaces", nobody_as_root, EACCES },
	{ "root as a user", root_as_a_user, EACCES },
	{ "root without capabilities", root_without_capabilities, EPERM },
	{ "root without CAP_PERFMON and CAP_SYS_ADMIN", root_without_perfmon_and_admin, EPERM },
	{ "root of a user namespace", root_of_a_user_namespace, EPERM },
	{ "root of a container", root_of_a_container, EPERM },
};

static int exit_of(pid_t pid)
{
	int status = wait_for(pid);

	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : NOT_TRIED;
}

/* In a child of his own: only that one is in his pid namespace. */
static int try_in_child(int (*way)(void))
{
	pid_t pid = fork();

	if (!pid)
		_exit(way());
	return exit_of(pid);
}

/* What somebody's attempt ended with: 0 or an errno, or NOT_TRIED. */
static int attempt(bool (*become)(void), int (*way)(void))
{
	pid_t pid = fork();

	if (!pid)
		_exit(become() ? try_in_child(way) : NOT_TRIED);
	return exit_of(pid);
}

/* Nobody gets in this way, whatever the mode of the node. */
static void expect_closed(struct __test_metadata *_metadata, int (*way)(void))
{
	unsigned int i;

	/* Else it is no way at all. */
	EXPECT_EQ(0, attempt(root, way));
	for (i = 0; i < ARRAY_SIZE(intruders); i++) {
		EXPECT_EQ(intruders[i].closed, attempt(intruders[i].become, way))
			TH_LOG("%s", intruders[i].name);
	}
	ASSERT_EQ(0, chmod(DEVICE, 0666));
	for (i = 0; i < ARRAY_SIZE(intruders); i++) {
		EXPECT_EQ(EPERM, attempt(intruders[i].become, way))
			TH_LOG("%s, mode 0666", intruders[i].name);
	}
	ASSERT_EQ(0, chmod(DEVICE, 0600));
}

/* --- opening ---------------------------------------------------------------- */

static int open_path(const char *path, int flags)
{
	int fd = open(path, flags | O_NONBLOCK);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int open_to_read(void)
{
	return open_path(DEVICE, O_RDONLY);
}

static int open_to_write(void)
{
	return open_path(DEVICE, O_WRONLY);
}

static int open_for_both(void)
{
	return open_path(DEVICE, O_RDWR);
}

static int reopen(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open_path(path, O_RDONLY);
}

/* O_PATH asks for no right, and gives none. */
static int open_by_o_path(void)
{
	char buf[SSHOBS_RECORD_MAX];
	struct sshobs_info info;
	int fd = open(DEVICE, O_PATH);

	if (fd < 0)
		return NOT_TRIED;
	if (read(fd, buf, sizeof(buf)) != -1 || errno != EBADF)
		return NOT_TRIED;
	if (!ioctl(fd, SSHOBS_IOC_INFO, &info) || errno != EBADF)
		return NOT_TRIED;
	return reopen(fd);
}

/* The open file of somebody who had the right. */
static int given;

static int open_given_again(void)
{
	return reopen(given);
}

static int chroot_and_open(void)
{
	/* Who may not goes on without it. */
	if (chroot("/dev"))
		return errno == EPERM ? open_path(DEVICE, O_RDONLY) : NOT_TRIED;
	return open_path("/sshobs", O_RDONLY);
}

/* Into the mount namespace of his own, where he has one. */
static int bind_mount_and_open(void)
{
	/* Root has none yet; and nothing that he mounts is to stay. */
	if (!geteuid())
		unshare(CLONE_NEWNS);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(DEVICE, "/dev/null", NULL, MS_BIND, NULL))
		return open_path(DEVICE, O_RDONLY);
	return open_path("/dev/null", O_RDONLY);
}

static dev_t device_number(void)
{
	struct stat device;

	return stat(DEVICE, &device) ? 0 : device.st_rdev;
}

TEST_F(device, by_open)
{
	expect_closed(_metadata, open_to_read);
	expect_closed(_metadata, open_to_write);
	expect_closed(_metadata, open_for_both);
	expect_untouched(_metadata, self);
}

TEST_F(device, by_the_mode_of_the_node)
{
	struct stat stat;

	/* A node that no other test has changed. */
	close(self->fd);
	ASSERT_EQ(0, module_reload(PORTS));
	self->fd = records_open(0);
	ASSERT_EQ(0, fstat(self->fd, &stat));
	EXPECT_EQ((mode_t)(S_IFCHR | 0600), stat.st_mode);
	EXPECT_EQ(0U, stat.st_uid);
	EXPECT_EQ(0U, stat.st_gid);
}

static bool nobody_of_the_group(void)
{
	const gid_t group = NOBODY + 1;

	return !setgroups(1, &group) && !setresgid(NOBODY, NOBODY, NOBODY) &&
	       !setresuid(NOBODY, NOBODY, NOBODY);
}

/* As a rule of udev might have it. */
TEST_F(device, by_the_group_of_the_node)
{
	ASSERT_EQ(0, chown(DEVICE, 0, NOBODY + 1));
	ASSERT_EQ(0, chmod(DEVICE, 0660));
	EXPECT_EQ(EACCES, attempt(become_nobody, open_to_read));
	EXPECT_EQ(EPERM, attempt(nobody_of_the_group, open_to_read));
	EXPECT_EQ(EPERM, attempt(nobody_of_the_group, open_to_write));
	ASSERT_EQ(0, chown(DEVICE, NOBODY, 0));
	ASSERT_EQ(0, chmod(DEVICE, 0600));
	EXPECT_EQ(EPERM, attempt(become_nobody, open_to_read));
	ASSERT_EQ(0, chown(DEVICE, 0, 0));
}

static bool only_perfmon(void)
{
	return keep_caps(1ULL << CAP_PERFMON);
}

static bool only_admin(void)
{
	return keep_caps(1ULL << CAP_SYS_ADMIN);
}

static bool all_that_are_not_enough(void)
{
	return keep_caps(((1ULL << CAP_PERFMON) - 1) & ~(1ULL << CAP_SYS_ADMIN));
}

TEST_F(device, by_other_capabilities_than_CAP_PERFMON_and_CAP_SYS_ADMIN)
{
	EXPECT_EQ(0, attempt(only_perfmon, open_to_read));
	EXPECT_EQ(0, attempt(only_admin, open_to_read));
	EXPECT_EQ(EPERM, attempt(all_that_are_not_enough, open_to_read));
}

TEST_F(device, by_opening_an_O_PATH_descriptor_again)
{
	expect_closed(_metadata, open_by_o_path);
	expect_untouched(_metadata, self);
}

TEST_F(device, by_opening_a_descriptor_of_somebody_else_again)
{
	given = self->fd;
	expect_closed(_metadata, open_given_again);
	expect_untouched(_metadata, self);
}

TEST_F(device, by_chroot)
{
	expect_closed(_metadata, chroot_and_open);
}

TEST_F(device, by_a_bind_mount_in_namespaces)
{
	expect_closed(_metadata, bind_mount_and_open);
}

/* --- a node of one's own ---------------------------------------------------- */

#define OWN_FOLDER	"/tmp/selftest-own"
#define OWN_NODE	OWN_FOLDER "/node"

static int make_own_node(void)
{
	if (mknod(OWN_NODE, S_IFCHR | 0666, device_number()))
		return errno;
	return open_path(OWN_NODE, O_RDONLY);
}

static int open_own_node(void)
{
	return open_path(OWN_NODE, O_RDONLY);
}

static bool make_own_folder(void)
{
	unlink(OWN_NODE);
	/* Away from the overlay of the root, whose layers not everybody may write to. */
	return (!mkdir(OWN_FOLDER, 0777) || errno == EEXIST) && !chmod(OWN_FOLDER, 0777);
}

/* Who has CAP_MKNOD in the initial user namespace may make one; and that is all. */
TEST_F(device, by_mknod)
{
	unsigned int i;

	ASSERT_TRUE(make_own_folder());
	EXPECT_EQ(0, attempt(root, make_own_node));
	for (i = 0; i < ARRAY_SIZE(intruders); i++) {
		unlink(OWN_NODE);
		EXPECT_EQ(EPERM, attempt(intruders[i].become, make_own_node))
			TH_LOG("%s", intruders[i].name);
	}
	unlink(OWN_NODE);
}

TEST_F(device, by_a_node_that_somebody_else_made)
{
	unsigned int i;

	ASSERT_TRUE(make_own_folder());
	ASSERT_EQ(0, mknod(OWN_NODE, S_IFCHR | 0666, device_number()));
	ASSERT_EQ(0, chmod(OWN_NODE, 0666));
	EXPECT_EQ(0, attempt(root, open_own_node));
	for (i = 0; i < ARRAY_SIZE(intruders); i++) {
		EXPECT_EQ(EPERM, attempt(intruders[i].become, open_own_node))
			TH_LOG("%s", intruders[i].name);
	}
	unlink(OWN_NODE);
}

/* A container's tmpfs, in which the host's root made the node: it knows no devices at all. */
static int open_in_own_tmpfs(int ready, int go)
{
	if (!root_of_a_container() || mount("none", "/mnt", "tmpfs", 0, NULL))
		return NOT_TRIED;
	if (!mknod("/mnt/sshobs", S_IFCHR | 0666, device_number()) || errno != EPERM)
		return NOT_TRIED;
	if (write(ready, "r", 1) != 1 || read_byte(go) != 1)
		return NOT_TRIED;
	return access("/mnt/sshobs", F_OK) ? NOT_TRIED : open_path("/mnt/sshobs", O_RDONLY);
}

TEST_F(device, by_a_node_in_the_tmpfs_of_a_container)
{
	int ready[2], go[2], status;
	char path[64];
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid)
		_exit(open_in_own_tmpfs(ready[1], go[0]));
	ASSERT_EQ(1, read_byte(ready[0]));
	snprintf(path, sizeof(path), "/proc/%d/root/mnt/sshobs", pid);
	EXPECT_EQ(0, mknod(path, S_IFCHR | 0666, device_number()));
	EXPECT_EQ(0, chmod(path, 0666));
	/* Not even for him. */
	EXPECT_EQ(EACCES, open_path(path, O_RDONLY));
	ASSERT_EQ(1, write(go[1], "g", 1));
	status = wait_for(pid);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EACCES, WEXITSTATUS(status));
}

static struct file_handle *handle;
static int handle_mount;

static int open_by_handle(void)
{
	int fd = open_by_handle_at(handle_mount, handle, O_RDONLY | O_NONBLOCK);

	return fd < 0 ? errno : 0;
}

/* That asks for CAP_DAC_READ_SEARCH, and goes around the node's path, but not around it. */
TEST_F(device, by_a_file_handle)
{
	unsigned int i;
	int id, error;

	handle = calloc(1, sizeof(*handle) + MAX_HANDLE_SZ);
	handle->handle_bytes = MAX_HANDLE_SZ;
	ASSERT_EQ(0, name_to_handle_at(AT_FDCWD, DEVICE, handle, &id, 0));
	handle_mount = open("/dev", O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(0, attempt(root, open_by_handle));
	for (i = 0; i < ARRAY_SIZE(intruders); i++) {
		error = attempt(intruders[i].become, open_by_handle);
		EXPECT_TRUE(error == EPERM || error == EACCES)
			TH_LOG("%s: %d", intruders[i].name, error);
	}
}

/* --- io_uring --------------------------------------------------------------- */

#define OP_URING_CMD	46

/* One request. Return what it ended with; *reached tells whether io_uring took it. */
static int uring_do(const struct io_uring_sqe *request, bool *reached)
{
	struct io_uring_params params = {};
	int fd = syscall(SYS_io_uring_setup, 1, &params), ret;
	struct io_uring_sqe *sqes;
	char *ring;

	*reached = false;
	if (fd < 0)
		return -errno;
	ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	if (ring == MAP_FAILED || (void *)sqes == MAP_FAILED)
		return -errno;
	*sqes = *request;
	*(__u32 *)(ring + params.sq_off.array) = 0;
	__atomic_store_n((__u32 *)(ring + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	ret = syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	*reached = ret == 1;
	if (ret == 1)
		ret = ((struct io_uring_cqe *)(ring + params.cq_off.cqes))->res;
	else
		ret = -errno;
	munmap(ring, 4096);
	munmap(sqes, 4096);
	close(fd);
	return ret;
}

static bool has_uring(void)
{
	const struct io_uring_sqe nop = { .opcode = IORING_OP_NOP };
	bool reached;

	uring_do(&nop, &reached);
	return reached;
}

static int open_by_uring(void)
{
	const struct io_uring_sqe open = {
		.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t)DEVICE,
		.open_flags = O_RDONLY | O_NONBLOCK,
	};
	bool reached;
	int ret = uring_do(&open, &reached);

	return !reached ? NOT_TRIED : ret < 0 ? -ret : 0;
}

TEST_F(device, by_opening_through_io_uring)
{
	if (!has_uring())
		SKIP(return, "this kernel has no io_uring");
	expect_closed(_metadata, open_by_uring);
}

/* It reads and writes as read() and write() do; commands of its own there are none. */
TEST_F(device, by_commands_of_io_uring)
{
	char bytes[SSHOBS_RECORD_MAX], same[SSHOBS_RECORD_MAX];
	int other = records_open_now(O_NONBLOCK), ret;
	struct io_uring_sqe request = {
		.opcode = OP_URING_CMD, .fd = self->fd, .off = SSHOBS_IOC_SNAPSHOT,
		.addr = (uintptr_t)bytes, .len = sizeof(bytes),
	};
	bool reached;
	pid_t pid;

	if (!has_uring())
		SKIP(return, "this kernel has no io_uring");
	ret = uring_do(&request, &reached);
	EXPECT_TRUE(reached);
	/* The kernel is too old for them, or the module has none. */
	EXPECT_TRUE(ret == -EINVAL || ret == -EOPNOTSUPP) TH_LOG("%d", ret);

	request.off = 0;
	request.opcode = IORING_OP_READ;
	request.fd = records_open_now(0);
	pid = fork();
	if (!pid) {
		usleep(100000);
		_exit(mark("mark", 4) != 4);
	}
	/* It waits, too. */
	ret = uring_do(&request, &reached);
	ASSERT_TRUE(reached);
	ASSERT_LT(0, ret);
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_EQ(ret, read(other, same, sizeof(same)));
	EXPECT_EQ(0, memcmp(bytes, same, ret));

	request.opcode = IORING_OP_WRITE;
	EXPECT_EQ(-EBADF, uring_do(&request, &reached));
	close(request.fd);
	close(other);
}

/* --- a descriptor that was given -------------------------------------------- */

static int ask_snapshot(int fd, unsigned int what)
{
	char buf[65536];
	struct sshobs_snapshot snapshot = {
		.pid = getpid(), .what = what, .buf = (uintptr_t)buf, .buf_len = sizeof(buf),
	};

	return ioctl(fd, SSHOBS_IOC_SNAPSHOT, &snapshot) ? errno : 0;
}

static int ask_given(void)
{
	return ask_snapshot(given, SSHOBS_SNAPSHOT_TASK);
}

static bool root_without_ptrace(void)
{
	return drop_cap(CAP_SYS_PTRACE);
}

static bool root_with_ptrace_alone(void)
{
	return keep_caps(1ULL << CAP_SYS_PTRACE);
}

/* Those of who asks, in the initial user namespace: neither the opener's, nor his own one's. */
TEST_F(device, by_a_snapshot_without_CAP_SYS_PTRACE)
{
	unsigned int i;

	given = self->fd;
	EXPECT_EQ(0, attempt(root, ask_given));
	EXPECT_EQ(0, attempt(root_with_ptrace_alone, ask_given));
	EXPECT_EQ(EPERM, attempt(root_without_ptrace, ask_given));
	for (i = 0; i < ARRAY_SIZE(intruders); i++) {
		/* He has it: what he lacks is the right to open. */
		if (intruders[i].become == root_without_perfmon_and_admin)
			continue;
		EXPECT_EQ(EPERM, attempt(intruders[i].become, ask_given))
			TH_LOG("%s", intruders[i].name);
	}
	expect_untouched(_metadata, self);
}

/* Which is refused before anything is read: not even whether a pid is there can be told. */
static int ask_all_sorts(void)
{
	struct sshobs_snapshot snapshot = { .pid = ~0U, .flags = 1 };
	unsigned int what;

	for (what = 0; what <= SSHOBS_SNAPSHOT_EXEC_ENVIRON + 1; what++)
		if (ask_snapshot(given, what) != EPERM)
			return EINVAL;
	if (!ioctl(given, SSHOBS_IOC_SNAPSHOT, NULL) || errno != EPERM)
		return EFAULT;
	if (!ioctl(given, SSHOBS_IOC_SNAPSHOT, &snapshot))
		return 0;
	return errno;
}

TEST_F(device, by_asking_for_no_snapshot_in_particular)
{
	given = self->fd;
	EXPECT_EQ(EPERM, attempt(become_nobody, ask_all_sorts));
}

/* As with every open file: whom it is given to may go on with it. */
static int use_given(void)
{
	char buf[SSHOBS_RECORD_MAX];
	struct sshobs_stats stats;

	if (read(given, buf, sizeof(buf)) <= 0 || ioctl(given, SSHOBS_IOC_STATS, &stats))
		return EIO;
	/* But not with the node. */
	if (!fchmod(given, 0666) || errno != EPERM || !fchown(given, NOBODY, NOBODY) ||
	    errno != EPERM)
		return EINVAL;
	if (write(given, "x", 1) != -1 || errno != EBADF)
		return EINVAL;
	return ask_given();
}

TEST_F(device, by_a_descriptor_that_was_passed)
{
	int pair[2], status;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	if (!pid) {
		close(self->fd);
		if (!become_nobody())
			_exit(NOT_TRIED);
		given = receive_fd(pair[1]);
		_exit(use_given());
	}
	ASSERT_TRUE(send_fd(pair[0], self->fd));
	status = wait_for(pid);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
	EXPECT_TRUE(is_untouched(self));
}

/* Another program, of another user, that has inherited the descriptor. */
static int play_heir(int argc, char **argv)
{
	given = argc > 2 ? atoi(argv[2]) : -1;
	return use_given();
}

static int exec_heir(void)
{
	char fd[16];

	snprintf(fd, sizeof(fd), "%d", dup(given));
	execl("/proc/self/exe", "access", "role:heir", fd, NULL);
	return NOT_TRIED;
}

TEST_F(device, by_a_descriptor_that_was_inherited_over_exec)
{
	given = self->fd;
	EXPECT_EQ(EPERM, attempt(become_nobody, exec_heir));
	EXPECT_TRUE(is_untouched(self));
}

#define SETUID_NOBODY	OWN_FOLDER "/setuid"

/* A program that makes root another user, who keeps root's descriptors. */
static int exec_setuid(void)
{
	char fd[16];

	snprintf(fd, sizeof(fd), "%d", dup(given));
	execl(SETUID_NOBODY, "access", "role:heir", fd, NULL);
	return NOT_TRIED;
}

TEST_F(device, by_a_descriptor_that_was_inherited_by_a_setuid_program)
{
	const char *const copy[] = { "cp", self_path(), SETUID_NOBODY, NULL };

	ASSERT_TRUE(make_own_folder());
	ASSERT_EQ(0, run(copy));
	ASSERT_EQ(0, chown(SETUID_NOBODY, NOBODY, 0));
	ASSERT_EQ(0, chmod(SETUID_NOBODY, 04755));
	given = self->fd;
	EXPECT_EQ(EPERM, attempt(root, exec_setuid));
	EXPECT_TRUE(is_untouched(self));
	unlink(SETUID_NOBODY);
}

/* Who opened it with the right, and gave that up, has no more than others. */
static int give_up_after_open(void)
{
	given = records_open(O_NONBLOCK);
	if (given < 0 || !keep_caps(0))
		return NOT_TRIED;
	if (open_to_read() != EPERM)
		return EINVAL;
	return use_given() == EINVAL ? ask_given() : NOT_TRIED;
}

TEST_F(device, by_capabilities_that_were_dropped_after_open)
{
	EXPECT_EQ(EPERM, attempt(root, give_up_after_open));
}

/* --- a descriptor that is taken --------------------------------------------- */

static pid_t victim;

static int take_by_pidfd(void)
{
	int pidfd = syscall(SYS_pidfd_open, victim, 0);

	if (pidfd < 0)
		return errno;
	return syscall(SYS_pidfd_getfd, pidfd, given, 0) < 0 ? errno : 0;
}

static int take_by_proc(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", victim, given);
	return open_path(path, O_RDONLY);
}

static int take_by_ptrace(void)
{
	return ptrace(PTRACE_SEIZE, victim, 0, 0) ? errno : 0;
}

static int take_by_memory(void)
{
	char byte;
	struct iovec mine = { &byte, 1 }, its = { &given, 1 };

	return process_vm_readv(victim, &mine, 1, &its, 1, 0) < 0 ? errno : 0;
}

/* From a reader that runs as root: what protects it are the kernel's own rules. */
TEST_F(device, by_taking_it_from_a_process_that_has_it)
{
	int (*const ways[])(void) = { take_by_pidfd, take_by_ptrace, take_by_memory, take_by_proc };
	unsigned int way, i;
	int error;

	given = self->fd;
	victim = getpid();
	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		for (i = 0; i < ARRAY_SIZE(intruders); i++) {
			/* He has CAP_SYS_PTRACE: that is the right to be anybody. */
			if (intruders[i].become == root_without_perfmon_and_admin)
				continue;
			error = attempt(intruders[i].become, ways[way]);
			/* From a pid namespace of one's own it cannot even be named. */
			EXPECT_TRUE(error == EPERM || error == EACCES || error == ESRCH)
				TH_LOG("way %u, %s: %d", way, intruders[i].name, error);
		}
	}
	expect_untouched(_metadata, self);
}

/* --- other calls ------------------------------------------------------------ */

TEST_F(device, by_writing_to_a_file_that_is_open_for_reading)
{
	int fd = open(DEVICE, O_WRONLY);
	char buf[100];

	EXPECT_EQ(-1, read(fd, buf, sizeof(buf)));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, write(self->fd, "x", 1));
	EXPECT_EQ(EBADF, errno);
	close(fd);
	expect_untouched(_metadata, self);
}

TEST_F(device, by_mmap)
{
	static const int kinds[] = { MAP_SHARED, MAP_PRIVATE };
	int fd = open(DEVICE, O_RDWR);
	unsigned int kind, prot;

	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		for (prot = 0; prot <= (PROT_READ | PROT_WRITE); prot++) {
			EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, prot, kinds[kind], fd, 0));
			EXPECT_EQ(ENODEV, errno) TH_LOG("prot %u", prot);
		}
	close(fd);
	expect_untouched(_metadata, self);
}

/* Neither from the device nor to it: what it says is read(), and what it takes is write(). */
TEST_F(device, by_splice_and_sendfile)
{
	int both = open(DEVICE, O_RDWR | O_NONBLOCK), file = memfd_create("file", 0), pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(5, write(pipes[1], "bytes", 5));
	ASSERT_EQ(5, write(file, "bytes", 5));
	lseek(file, 0, SEEK_SET);
	EXPECT_EQ(-1, splice(self->fd, NULL, pipes[1], NULL, 4096, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, splice(pipes[0], NULL, both, NULL, 5, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, sendfile(file, self->fd, NULL, 4096));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, sendfile(both, file, NULL, 5));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, copy_file_range(self->fd, NULL, file, NULL, 4096, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, tee(self->fd, pipes[1], 4096, 0));
	EXPECT_EQ(EINVAL, errno);
	close(both);
	expect_untouched(_metadata, self);
}

TEST_F(device, by_calls_that_are_for_other_kinds_of_files)
{
	int fd = open(DEVICE, O_RDWR | O_NONBLOCK), number = 1;

	EXPECT_EQ(-1, ftruncate(fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fallocate(fd, 0, 0, 4096));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, fsync(fd));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(fd, FIONREAD, &number));
	EXPECT_EQ(ENOTTY, errno);
	/* Nobody gets a signal from it. */
	EXPECT_EQ(-1, ioctl(fd, FIOASYNC, &number));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, fcntl(fd, F_SETFL, O_DIRECT));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fcntl(fd, F_SETLEASE, F_RDLCK));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fcntl(fd, F_GETPIPE_SZ));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, bind(fd, NULL, 0));
	EXPECT_EQ(ENOTSOCK, errno);
	EXPECT_EQ(-1, fchdir(fd));
	EXPECT_EQ(ENOTDIR, errno);
	close(fd);
	expect_untouched(_metadata, self);
}

/* O_NONBLOCK can be set and taken away while it is open. */
TEST_F(device, F_SETFL_turns_waiting_on_and_off)
{
	char buf[SSHOBS_RECORD_MAX];
	int fd = records_open_now(0);

	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(fd, buf, sizeof(buf)));
	EXPECT_EQ(EAGAIN, errno);
	close(fd);
}

TEST_F(device, poll_says_nothing_but_in_and_out)
{
	struct pollfd poll_fd = { .fd = self->fd, .events = ~0 };
	char buf[SSHOBS_RECORD_MAX];

	EXPECT_EQ(1, poll(&poll_fd, 1, 0));
	EXPECT_EQ(POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM, poll_fd.revents);
	poll_fd.events = POLLPRI | POLLRDBAND;
	EXPECT_EQ(0, poll(&poll_fd, 1, 0));
	ASSERT_LT(0, read(self->fd, buf, sizeof(buf)));
	poll_fd.events = ~0;
	EXPECT_EQ(1, poll(&poll_fd, 1, 0));
	EXPECT_EQ(POLLOUT | POLLWRNORM, poll_fd.revents);
}

/* --- the module ------------------------------------------------------------- */

static const char *parameter;

static int write_parameter(void)
{
	int fd;

	/* Who owns the file may change its mode: that is no right yet. */
	chmod(parameter, 0666);
	fd = open(parameter, O_WRONLY);
	if (fd < 0)
		return errno;
	return write(fd, "1", 1) == 1 ? 0 : errno;
}

/* For nobody to change, and of no effect where root, who can, made the file writable. */
TEST_F(device, by_a_parameter)
{
	static const char *const names[] = { "ports", "ring_kb", "max_sessions", "max_tasks" };
	char path[128];
	struct stat file;
	unsigned int i, client;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), PARAMETERS "%s", names[i]);
		ASSERT_EQ(0, stat(path, &file));
		EXPECT_EQ(0444U, file.st_mode & 0777) TH_LOG("%s", names[i]);
		EXPECT_EQ(0U, file.st_uid);
		EXPECT_EQ(-1, open(path, O_WRONLY));
		EXPECT_EQ(EACCES, errno);
		parameter = path;
		EXPECT_EQ(EACCES, attempt(become_nobody, write_parameter)) TH_LOG("%s", names[i]);
		EXPECT_EQ(EACCES, attempt(nobody_as_root, write_parameter)) TH_LOG("%s", names[i]);
		attempt(root, write_parameter);
		chmod(path, 0444);
	}
	/* It still watches, and follows more than one session. */
	for (i = 0; i < 2; i++) {
		int listener = listen_on(AF_INET, PORT);

		client = connect_to(AF_INET, PORT, NULL);
		close(accept(listener, NULL, NULL));
		close(client);
		close(listener);
	}
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_STATS, &self->stats));
	EXPECT_EQ(2ULL, self->stats.sessions_total);
	EXPECT_EQ(0ULL, self->stats.sessions_untracked);
	/* What the files say now is not true any more. */
	close(self->fd);
	ASSERT_EQ(0, module_reload(PORTS));
	self->fd = records_open(0);
}

static int unload(void)
{
	return -module_unload();
}

static int load(void)
{
	return -module_load("ports=1");
}

TEST_F(device, by_unloading_and_loading_the_module)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(intruders); i++) {
		/* He has CAP_SYS_MODULE, and finds it in use. */
		if (intruders[i].become == root_without_perfmon_and_admin)
			continue;
		EXPECT_EQ(EPERM, attempt(intruders[i].become, unload)) TH_LOG("%s", intruders[i].name);
		EXPECT_EQ(EPERM, attempt(intruders[i].become, load)) TH_LOG("%s", intruders[i].name);
	}
	EXPECT_TRUE(module_loaded());
	expect_untouched(_metadata, self);
}

SELFTEST_MAIN({ "heir", play_heir },)
