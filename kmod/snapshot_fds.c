// SPDX-License-Identifier: GPL-2.0
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/major.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sock_diag.h>
#include <linux/string.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/un.h>
#include <net/af_unix.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "hooks.h"
#include "process.h"
#include "snapshot.h"

/* --- the table, as of one moment ------------------------------------------------ */

/* Tries before a table that grows faster than room is made for it is given up. */
#define TRIES		4

/**
 * struct taken - the open files of one process
 * @task: the process
 * @files: them, each with a reference
 * @size: room in @files
 * @count: descriptors that there are; more than @size: the others are not in @files
 */
struct taken {
	struct task_struct	*task;
	struct taken_file {
		struct file	*file;
		unsigned int	fd;
		bool		cloexec;
	} *files;
	size_t			size;
	size_t			count;
};

/* Called by iterate_fd(), under the table's lock, which the task's lock keeps. */
static int take_file(const void *data, struct file *file, unsigned int fd)
{
	struct taken *taken = (struct taken *)data;
	struct taken_file *entry;

	if (taken->count++ >= taken->size)
		return 0;
	entry = &taken->files[taken->count - 1];
	entry->file = get_file(file);
	entry->fd = fd;
	entry->cloexec = test_bit(fd, files_fdtable(taken->task->files)->close_on_exec);
	return 0;
}

static void put_files(struct taken *taken)
{
	size_t i;

	for (i = 0; i < min(taken->count, taken->size); i++) {
		fput(taken->files[i].file);
		cond_resched();
	}
	kvfree(taken->files);
}

/* All or none: a table that does not fit is looked at again, with more room. */
static int take_files(struct taken *taken)
{
	unsigned int tries;

	taken->size = sshobs_process_fds(taken->task);
	for (tries = 0; tries < TRIES; tries++) {
		taken->size += taken->size / 8 + 16;
		taken->count = 0;
		taken->files = kvmalloc_array(taken->size, sizeof(*taken->files), GFP_KERNEL);
		if (!taken->files)
			return -ENOMEM;
		sshobs_process_files(taken->task, take_file, taken);
		if (taken->count <= taken->size)
			return 0;
		put_files(taken);
		taken->size = taken->count;
	}
	return -EAGAIN;
}

/* --- what a descriptor is ------------------------------------------------------- */

/**
 * struct fd_room - the one that is being told
 * @fd: it
 * @data: its data: the path, two names and a struct tcp_info
 * @path: its path, where d_path() writes it
 */
struct fd_room {
	struct sshobs_fd	fd;
	char			data[PATH_MAX + 2 * (UNIX_PATH_MAX + 8) +
				     sizeof(struct tcp_info) + 8];
	char			path[PATH_MAX];
};

/* With zeroes up to the next multiple of 8. Return the bytes that were added. */
static u32 fd_add(struct fd_room *room, const void *data, size_t len)
{
	char *at = (char *)room + room->fd.len;

	memcpy(at, data, len);
	memset(at + len, 0, ALIGN(len, 8) - len);
	room->fd.len += ALIGN(len, 8);
	return len;
}

static void fd_path(struct fd_room *room, const struct file *file)
{
	const char *path = d_path(&file->f_path, room->path, sizeof(room->path));

	if (!IS_ERR(path))
		room->fd.path_len = fd_add(room, path, strlen(path));
}

static bool fd_is_tty(const struct fd_room *room, const struct file *file)
{
	const unsigned int major = MAJOR(file_inode(file)->i_rdev);

	if (!S_ISCHR(room->fd.mode) || file->f_mode & FMODE_PATH || !file->private_data)
		return false;
	return major == TTY_MAJOR || major == TTYAUX_MAJOR || major == UNIX98_PTY_SLAVE_MAJOR;
}

static void fd_tty(struct fd_room *room, const struct file *file)
{
	const struct tty_file_private *private = file->private_data;
	const struct tty_struct *tty = private->tty;
	const struct tty_driver *driver = tty->driver;

	room->fd.kind = SSHOBS_FD_TTY;
	if (driver->type != TTY_DRIVER_TYPE_PTY)
		return;
	room->fd.pts = tty->index;
	if (driver->subtype == PTY_TYPE_MASTER)
		room->fd.kind = SSHOBS_FD_PTMX;
}

/* Once a socket is bound, its name stays as long as it does. */
static u32 fd_unix_name(struct fd_room *room, const struct sock *sock)
{
	/* Pairs with the release where the socket is bound. */
	const struct unix_address *addr = smp_load_acquire(&unix_sk(sock)->addr);
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	const char *name;
	size_t len;

	if (!addr || addr->len <= head)
		return 0;
	name = addr->name->sun_path;
	len = addr->len - head;
	if (*name)
		len = strnlen(name, len);
	return fd_add(room, name, len);
}

static void fd_unix(struct fd_room *room, struct sock *sock)
{
	struct sock *peer;

	room->fd.local_name_len = fd_unix_name(room, sock);
	peer = unix_peer_get(sock);
	if (!peer)
		return;
	room->fd.peer_ino = sock_i_ino(peer);
	room->fd.peer_name_len = fd_unix_name(room, peer);
	sock_put(peer);
}

static void fd_inet(struct fd_room *room, struct sock *sock)
{
	struct tcp_info info;

	sock_diag_save_cookie(sock, (__u32 *)&room->fd.cookie);
	sshobs_endpoints(sock, &room->fd.peer, &room->fd.local);
	if (sock->sk_protocol != IPPROTO_TCP || sock->sk_type != SOCK_STREAM)
		return;
	tcp_get_info(sock, &info);
	room->fd.tcp_info_len = fd_add(room, &info, sizeof(info));
}

static void fd_socket(struct fd_room *room, const struct socket *socket)
{
	struct sock *sock = socket->sk;

	room->fd.kind = SSHOBS_FD_SOCKET;
	room->fd.type = socket->type;
	if (!sock)
		return;
	room->fd.family = sock->sk_family;
	room->fd.protocol = sock->sk_protocol;
	room->fd.state = READ_ONCE(sock->sk_state);
	if (sock->sk_family == AF_UNIX)
		fd_unix(room, sock);
	else if (sock->sk_family == AF_INET || sock->sk_family == AF_INET6)
		fd_inet(room, sock);
}

static void fd_kind(struct fd_room *room, struct file *file)
{
	struct socket *socket = sshobs_sock_from_file(file);

	if (socket)
		fd_socket(room, socket);
	else if (S_ISFIFO(room->fd.mode))
		room->fd.kind = SSHOBS_FD_PIPE;
	else if (fd_is_tty(room, file))
		fd_tty(room, file);
	else if (file_inode(file)->i_sb->s_flags & SB_NOUSER)
		room->fd.kind = SSHOBS_FD_ANON;
}

static void fd_fill(struct fd_room *room, const struct taken_file *taken)
{
	const struct inode *inode = file_inode(taken->file);

	memset(&room->fd, 0, sizeof(room->fd));
	room->fd.len = sizeof(room->fd);
	room->fd.fd = taken->fd;
	room->fd.mode = inode->i_mode;
	room->fd.flags = taken->file->f_flags & ~O_CLOEXEC;
	if (taken->cloexec)
		room->fd.flags |= O_CLOEXEC;
	room->fd.dev = new_encode_dev(inode->i_sb->s_dev);
	room->fd.rdev = new_encode_dev(inode->i_rdev);
	room->fd.pts = SSHOBS_NO_PTS;
	room->fd.ino = inode->i_ino;
	room->fd.pos = taken->file->f_pos;
	fd_path(room, taken->file);
	fd_kind(room, taken->file);
}

int sshobs_snapshot_fds(struct sshobs_answer *answer, struct task_struct *task)
{
	struct fd_room *room = (void *)answer->room->bytes;
	struct taken taken = { .task = task };
	int err;
	size_t i;

	static_assert(sizeof(*room) <= sizeof(answer->room->bytes));

	err = take_files(&taken);
	if (err)
		return err;
	for (i = 0; i < taken.count && !err; i++) {
		fd_fill(room, &taken.files[i]);
		err = sshobs_answer_add(answer, room, room->fd.len);
		if (fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	put_files(&taken);
	return err;
}
