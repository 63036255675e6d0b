// SPDX-License-Identifier: GPL-2.0
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/jiffies.h>
#include <linux/major.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/umh.h>
#include <linux/un.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "hooks.h"
#include "trial.h"

/* How long a connection to this host, and a hook that fires later, is waited for. */
#define PATIENCE	HZ

/*
 * @pid: the helper's, once it is there
 * @called: the hooks whose functions were called
 */
struct trial {
	struct pid	*pid;
	DECLARE_BITMAP(called, SSHOBS_HOOKS);
};

/* One at a time: whose calls a hook saw would not be known. */
static DEFINE_MUTEX(trial_lock);

static void called(struct trial *trial, enum sshobs_hook_id id)
{
	__set_bit(id, trial->called);
}

/* Connect to an address that is too short to be one. */
static void try_connect(struct trial *trial, int family, int type, enum sshobs_hook_id id)
{
	struct sockaddr addr = { .sa_family = family };
	struct msghdr msg = {};
	struct socket *socket;
	char byte = 0;
	struct kvec vec = { &byte, sizeof(byte) };

	if (sock_create_kern(&init_net, family, type, 0, &socket))
		return;
	kernel_connect(socket, (void *)&addr, family == AF_UNIX ? sizeof(addr.sa_family) : 1,
		       O_NONBLOCK);
	called(trial, id);
	/* It goes nowhere: the socket is not connected. */
	if (id == SSHOBS_HOOK_UNIX_DGRAM_CONNECT) {
		kernel_sendmsg(socket, &msg, &vec, 1, sizeof(byte));
		called(trial, SSHOBS_HOOK_UNIX_DGRAM_SENDMSG);
	}
	sock_release(socket);
}

/* A listening socket on the loopback device, on a port that is not watched. */
static struct socket *listen_locally(struct sockaddr_in *addr)
{
	struct socket *listener;

	if (sock_create_kern(&init_net, AF_INET, SOCK_STREAM, IPPROTO_TCP, &listener))
		return NULL;
	listener->sk->sk_rcvtimeo = PATIENCE;
	if (!kernel_bind(listener, (void *)addr, sizeof(*addr)) &&
	    kernel_getsockname(listener, (void *)addr) > 0 &&
	    !sshobs_port_watched(ntohs(addr->sin_port)) && !kernel_listen(listener, 1))
		return listener;
	sock_release(listener);
	return NULL;
}

/*
 * Read what the client sent, or that it is gone; Return: bytes, or -errno. The socket must not
 * do the waiting: a helper has PF_KTHREAD until its exec, for which wait_woken() asks
 * kthread_should_stop(), and up to Linux 5.16 it has no struct kthread to ask.
 */
static int receive(struct socket *server)
{
	unsigned long end = jiffies + PATIENCE;
	struct msghdr msg = {};
	char byte;
	struct kvec vec = { &byte, sizeof(byte) };
	int ret;

	for (;;) {
		ret = kernel_recvmsg(server, &msg, &vec, 1, sizeof(byte), MSG_DONTWAIT);
		if (ret != -EAGAIN || time_after(jiffies, end))
			return ret;
		usleep_range(500, 1000);
	}
}

static void try_data(struct trial *trial, struct socket *client, struct socket *server)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
	char byte = 0;
	struct kvec vec = { &byte, sizeof(byte) };

	if (kernel_sendmsg(client, &msg, &vec, 1, sizeof(byte)) != sizeof(byte) ||
	    receive(server) != sizeof(byte))
		return;
	called(trial, SSHOBS_HOOK_TCP_PROBE);
	called(trial, SSHOBS_HOOK_TCP_RCV_SPACE_ADJUST);
}

static struct socket *try_accept(struct trial *trial, struct socket *listener)
{
	struct socket *server;
	int err = kernel_accept(listener, &server, 0);

	called(trial, SSHOBS_HOOK_INET_CSK_ACCEPT);
	if (err)
		return NULL;
	called(trial, SSHOBS_HOOK_SECURITY_SOCK_GRAFT);
	called(trial, SSHOBS_HOOK_TCP_CONN_REQUEST);
	called(trial, SSHOBS_HOOK_TCP_FINISH_CONNECT);
	return server;
}

/* It ends by a reset, which leaves nothing behind that would wait. */
static void try_reset(struct trial *trial, struct socket *client, struct socket *server)
{
	if (client->sk->sk_state != TCP_CLOSE && !tcp_abort(client->sk, ECONNABORTED))
		called(trial, SSHOBS_HOOK_TCP_DONE_WITH_ERROR);
	sock_release(client);
	called(trial, SSHOBS_HOOK_TCP_CLOSE);
	if (!server)
		return;
	if (receive(server) == -ECONNRESET) {
		called(trial, SSHOBS_HOOK_TCP_RECEIVE_RESET);
		called(trial, SSHOBS_HOOK_SOCK_DEF_ERROR_REPORT);
	}
	sock_release(server);
}

static void try_tcp(struct trial *trial)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct socket *listener = listen_locally(&addr);
	struct socket *client, *server = NULL;
	int err;

	if (!listener)
		return;
	if (sock_create_kern(&init_net, AF_INET, SOCK_STREAM, IPPROTO_TCP, &client))
		goto release_listener;
	err = kernel_connect(client, (void *)&addr, sizeof(addr), O_NONBLOCK);
	called(trial, SSHOBS_HOOK_INET_STREAM_CONNECT);
	if (!err || err == -EINPROGRESS)
		server = try_accept(trial, listener);
	if (server)
		try_data(trial, client, server);
	try_reset(trial, client, server);
release_listener:
	sock_release(listener);
}

static bool is_ptmx(const struct file *file)
{
	const struct inode *inode = file_inode(file);

	return S_ISCHR(inode->i_mode) && inode->i_rdev == MKDEV(TTYAUX_MAJOR, 2);
}

/* A terminal that nobody writes to. */
static void try_tty(struct trial *trial)
{
	struct file *file = filp_open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
	loff_t pos = 0;
	char byte;

	if (IS_ERR(file))
		return;
	if (is_ptmx(file)) {
		called(trial, SSHOBS_HOOK_PTMX_OPEN);
		called(trial, SSHOBS_HOOK_DEVPTS_PTY_NEW);
		vfs_poll(file, NULL);
		called(trial, SSHOBS_HOOK_N_TTY_POLL);
		kernel_read(file, &byte, sizeof(byte), &pos);
		called(trial, SSHOBS_HOOK_N_TTY_READ);
	}
	filp_close(file, NULL);
}

/*
 * In the helper, before its exec. It is to stop before the first instruction of its program:
 * the signal waits for the way to user mode, and must come last, since it ends other waits.
 */
static int trial_helper(struct subprocess_info *info, struct cred *new)
{
	struct trial *trial = info->data;

	trial->pid = get_pid(task_pid(current));
	try_connect(trial, AF_INET, SOCK_DGRAM, SSHOBS_HOOK_INET_DGRAM_CONNECT);
	try_connect(trial, AF_UNIX, SOCK_STREAM, SSHOBS_HOOK_UNIX_STREAM_CONNECT);
	try_connect(trial, AF_UNIX, SOCK_DGRAM, SSHOBS_HOOK_UNIX_DGRAM_CONNECT);
	try_tcp(trial);
	try_tty(trial);
	send_sig(SIGSTOP, current, 1);
	return 0;
}

/* End the helper; whether it is gone. */
static bool trial_end(struct pid *pid)
{
	unsigned long end = jiffies + PATIENCE;
	bool gone;

	kill_pid(pid, SIGKILL, 1);
	do {
		rcu_read_lock();
		gone = !pid_task(pid, PIDTYPE_PID);
		rcu_read_unlock();
		if (gone)
			break;
		usleep_range(500, 1000);
	} while (time_before(jiffies, end));
	return gone;
}

/*
 * The program of process 1 is there on every host. Should somebody wake the helper, what it
 * is asked for does no harm either.
 */
static int trial_run(struct trial *trial)
{
	char path[] = "/proc/1/exe", option[] = "--version";
	char *argv[3] = { path, option, NULL };
	char *envp[1] = { NULL };
	struct subprocess_info *info;
	int err;

	info = call_usermodehelper_setup(path, argv, envp, GFP_KERNEL, trial_helper, NULL, trial);
	if (!info)
		return -ENOMEM;
	err = call_usermodehelper_exec(info, UMH_WAIT_EXEC);
	/* There are no helpers where they are configured away, or while the host goes to sleep. */
	if (!trial->pid)
		return 0;
	called(trial, SSHOBS_HOOK_KERNEL_CLONE);
	called(trial, SSHOBS_HOOK_WAKE_UP_NEW_TASK);
	called(trial, SSHOBS_HOOK_COMMIT_CREDS);
	if (!err) {
		called(trial, SSHOBS_HOOK_ALLOC_BPRM);
		called(trial, SSHOBS_HOOK_BPRM_EXECVE);
		called(trial, SSHOBS_HOOK_EXEC);
	}
	if (trial_end(trial->pid))
		called(trial, SSHOBS_HOOK_EXIT);
	put_pid(trial->pid);
	return 0;
}

/* Softirqs may be late. */
static void trial_wait(const struct trial *trial, const u64 *before)
{
	unsigned long end = jiffies + PATIENCE;
	unsigned int id;

	for_each_set_bit(id, trial->called, SSHOBS_HOOKS)
		while (sshobs_hooks_seen(id) == before[id] && time_before(jiffies, end))
			usleep_range(500, 1000);
}

int sshobs_trial(void)
{
	struct trial trial = {};
	u64 before[SSHOBS_HOOKS];
	unsigned int id;
	int err;

	if (mutex_lock_interruptible(&trial_lock))
		return -EINTR;
	for (id = 0; id < SSHOBS_HOOKS; id++)
		before[id] = sshobs_hooks_seen(id);
	err = trial_run(&trial);
	if (err)
		goto unlock;
	trial_wait(&trial, before);
	for (id = 0; id < SSHOBS_HOOKS; id++)
		sshobs_hooks_tried(id, test_bit(id, trial.called),
				   sshobs_hooks_seen(id) != before[id]);
unlock:
	mutex_unlock(&trial_lock);
	return err;
}
