// SPDX-License-Identifier: GPL-2.0
/* What members do with sockets of their own: whom they connect to, and what they log. */
#include <linux/cache.h>
#include <linux/ctype.h>
#include <linux/in.h>
#include <linux/net.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/un.h>
#include <net/af_unix.h>
#include <net/mptcp.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "connecting.h"
#include "hooks.h"
#include "record.h"
#include "session.h"

/* --- connect ------------------------------------------------------------------ */

#define SUN_PATH_OFFSET	offsetof(struct sockaddr_un, sun_path)

/* Bytes of a path, or of an abstract name with the NUL that it begins with. */
static u32 unix_path_len(const struct sockaddr_un *addr, u32 size)
{
	u32 len = size > SUN_PATH_OFFSET ? size - SUN_PATH_OFFSET : 0;

	len = min_t(u32, len, sizeof(addr->sun_path));
	return len && addr->sun_path[0] ? strnlen(addr->sun_path, len) : len;
}

/*
 * Addresses that no connection is made to are not told: that which takes one back, and a path
 * that is given to a socket of the network, which refuses it.
 */
static bool connect_told(const struct socket *socket, const struct sockaddr *addr, u32 size)
{
	switch (size < sizeof(addr->sa_family) ? AF_UNSPEC : addr->sa_family) {
	case AF_UNIX:
		return socket->sk->sk_family == AF_UNIX;
	case AF_INET:
	case AF_INET6:
		return true;
	}
	return false;
}

static struct sshobs_connect *connect_begin(const struct sshobs_call *call)
{
	const struct sockaddr *addr = call->arg;
	u32 path_len = addr->sa_family == AF_UNIX ? unix_path_len((void *)addr, call->size) : 0;
	struct sshobs_connect *rec;

	rec = sshobs_record_begin(call->session, current, SSHOBS_CONNECT, sizeof(*rec) + path_len);
	if (!rec)
		return NULL;
	sshobs_endpoint(&rec->peer, addr, call->size);
	rec->protocol = call->protocol;
	rec->path_len = path_len;
	memcpy(rec->path, ((const struct sockaddr_un *)addr)->sun_path, path_len);
	return rec;
}

/* f(socket, addr, size, flags); the address is the kernel's copy, there until it returns. */
static bool connect_call(struct sshobs_call *call, const struct socket *socket,
			 const struct sockaddr *addr, u32 size)
{
	if (!connect_told(socket, addr, size))
		return false;
	call->arg = addr;
	call->size = size;
	call->protocol = addr->sa_family == AF_UNIX ? 0 : socket->sk->sk_protocol;
	return true;
}

static int connect_decide(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	const struct socket *socket = (void *)regs_get_kernel_argument(regs, 0);
	const struct sockaddr *addr = (void *)regs_get_kernel_argument(regs, 1);
	struct sshobs_call *call = (void *)slot->data;

	if (!sshobs_session_current() ||
	    !connect_call(call, socket, addr, regs_get_kernel_argument(regs, 2)))
		return 1;
	call->begin_ns = ktime_get_ns();
	return sshobs_call_begin(call, addr);
}

static int inet_dgram_connect_decide(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	sshobs_hit(SSHOBS_HOOK_INET_DGRAM_CONNECT);
	return connect_decide(slot, regs);
}

static int unix_stream_connect_decide(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	sshobs_hit(SSHOBS_HOOK_UNIX_STREAM_CONNECT);
	return connect_decide(slot, regs);
}

static int unix_dgram_connect_decide(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	sshobs_hit(SSHOBS_HOOK_UNIX_DGRAM_CONNECT);
	return connect_decide(slot, regs);
}

static int connect_leave(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	struct sshobs_call *call = (void *)slot->data;
	int err = (int)regs_return_value(regs);
	struct sshobs_connect *rec;

	sshobs_call_end(call);
	/* The signal's handler may have it begin anew, which is another connect then. */
	if (err == -ERESTARTSYS)
		err = -EINTR;
	rec = connect_begin(call);
	if (!rec)
		return 0;
	rec->duration_ns = ktime_get_ns() - call->begin_ns;
	rec->error = err < 0 ? -err : 0;
	sshobs_record_end(rec);
	return 0;
}

/* --- connect of TCP ----------------------------------------------------------- */

/*
 * Every TCP connection that the host makes comes by here, and a return probe is too dear
 * for that. So its beginning is told, the socket is remembered, and how it ends is told
 * where the network finds out: in no task, or in any.
 */

static void connecting_tell(struct sshobs_connecting *entry, u32 error, u32 flags)
{
	struct sshobs_connect *rec;

	rec = sshobs_record_begin(entry->session, entry->task, SSHOBS_CONNECT, sizeof(*rec));
	if (!rec)
		return;
	rec->peer = entry->peer;
	rec->protocol = IPPROTO_TCP;
	rec->duration_ns = sshobs_record_time(rec) - entry->begin_ns;
	rec->error = error;
	rec->flags = flags;
	sshobs_record_end(rec);
}

static noinline void connecting_end(const struct sock *sock, u32 error)
{
	struct sshobs_connecting *entry;

	preempt_disable();
	entry = sshobs_connecting_take(sock);
	if (entry) {
		connecting_tell(entry, error, 0);
		sshobs_connecting_free(entry);
	}
	preempt_enable();
}

/*
 * Nobody has said how it ended. Of a socket that has been connected all the same, as two
 * are that connect to each other at once, nothing is known that would be worth telling.
 */
static void connecting_close(struct sshobs_connecting *entry, const struct sock *sock)
{
	u32 error = READ_ONCE(sock->sk_err);

	switch (READ_ONCE(sock->sk_state)) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
		connecting_tell(entry, error, error ? 0 : SSHOBS_CONNECT_ABANDONED);
		break;
	case TCP_CLOSE:
	case TCP_LISTEN:
		connecting_tell(entry, error, error ? 0 : SSHOBS_CONNECT_UNSENT);
	}
	sshobs_connecting_free(entry);
}

void sshobs_hooks_sock_closed(const struct sock *sock)
{
	struct sshobs_connecting *entry;

	preempt_disable();
	entry = sshobs_connecting_take(sock);
	if (entry)
		connecting_close(entry, sock);
	preempt_enable();
}

static void connecting_begin(const struct sshobs_call *call, const struct sock *sock)
{
	struct sshobs_endpoint peer = {};
	struct sshobs_connect *rec;
	u64 begin_ns;

	/* This host itself had refused its last one. */
	sshobs_hooks_sock_closed(sock);
	rec = connect_begin(call);
	begin_ns = rec ? sshobs_record_time(rec) : ktime_get_ns();
	if (rec) {
		rec->flags = SSHOBS_CONNECT_BEGUN;
		sshobs_record_end(rec);
	}
	/* A part of an MPTCP connection may end on ways where nothing takes it out again. */
	if (call->protocol != IPPROTO_TCP || sk_is_mptcp(sock))
		return;
	sshobs_endpoint(&peer, call->arg, call->size);
	if (!sshobs_connecting_add(call->session, sock, &peer, begin_ns))
		sshobs_call_unwatched(call->session);
}

/*
 * inet_stream_connect(socket, addr, size, flags). On a socket that connects already, or
 * has done so, it only asks how that went.
 */
static void notrace inet_stream_connect_call(unsigned long ip, unsigned long parent,
					     struct ftrace_ops *ops, SSHOBS_FTRACE_REGS *regs)
{
	const struct socket *socket = (void *)sshobs_ftrace_argument(regs, 0);
	struct sshobs_call call = {};

	sshobs_hit(SSHOBS_HOOK_INET_STREAM_CONNECT);
	preempt_disable();
	call.session = sshobs_session_current();
	if (call.session && READ_ONCE(socket->state) == SS_UNCONNECTED &&
	    connect_call(&call, socket, (void *)sshobs_ftrace_argument(regs, 1),
			 sshobs_ftrace_argument(regs, 2)))
		connecting_begin(&call, socket->sk);
	preempt_enable();
}

/* tcp_finish_connect(sock, skb): the SYN-ACK has come; with the socket locked. */
static void notrace tcp_finish_connect_call(unsigned long ip, unsigned long parent,
					    struct ftrace_ops *ops, SSHOBS_FTRACE_REGS *regs)
{
	sshobs_hit(SSHOBS_HOOK_TCP_FINISH_CONNECT);
	if (sshobs_connecting_any())
		connecting_end((void *)sshobs_ftrace_argument(regs, 0), 0);
}

/*
 * tcp_done_with_error(sock, error): ICMP, or that nobody answers; with the socket locked.
 * Whoever asks for the error takes it from the socket, maybe before that is reported.
 */
static void notrace tcp_done_with_error_call(unsigned long ip, unsigned long parent,
					     struct ftrace_ops *ops, SSHOBS_FTRACE_REGS *regs)
{
	sshobs_hit(SSHOBS_HOOK_TCP_DONE_WITH_ERROR);
	if (sshobs_connecting_any())
		connecting_end((void *)sshobs_ftrace_argument(regs, 0),
			       sshobs_ftrace_argument(regs, 1));
}

/* The compiler may have made tcp_done_with_error() a part of who calls this. */
void sshobs_hooks_sock_reset(const struct sock *sock)
{
	if (sshobs_connecting_any() && sock->sk_state == TCP_SYN_SENT)
		connecting_end(sock, ECONNREFUSED);
}

/*
 * sock_def_error_report(sock): whatever went wrong, a reset, ICMP or that nobody answers;
 * before those who sleep for it are woken. It is called for less than an error, too.
 */
static void notrace sock_def_error_report_call(unsigned long ip, unsigned long parent,
					       struct ftrace_ops *ops, SSHOBS_FTRACE_REGS *regs)
{
	const struct sock *sock = (void *)sshobs_ftrace_argument(regs, 0);
	int error;

	sshobs_hit(SSHOBS_HOOK_SOCK_DEF_ERROR_REPORT);
	if (!sshobs_connecting_any())
		return;
	/* Once: whoever asks for it at the same time takes it away. */
	error = READ_ONCE(sock->sk_err);
	if (error)
		connecting_end(sock, error);
}

/* --- log ---------------------------------------------------------------------- */

/* "<" a number below 192 ">" */
#define PRIORITY_SIZE	5

/* Where syslog(3) sends to: /dev/log, what systemd has that point to, and in a chroot. */
static bool is_log_path(const char *path, size_t len)
{
	static const char *const ends[] = { "/dev/log", "/dev-log" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t end = strlen(ends[i]);

		if (len >= end && !memcmp(path + len - end, ends[i], end))
			return true;
	}
	return false;
}

static bool is_log_address(const struct sockaddr_un *addr, u32 size)
{
	u32 len = unix_path_len(addr, size);

	return len && addr->sun_path[0] && is_log_path(addr->sun_path, len);
}

/* Does the message go to the log, by its own address or by that of the socket's peer? */
static bool goes_to_log(struct sock *sock, const struct msghdr *msg)
{
	const struct unix_address *addr;
	struct sock *peer;
	bool to_log;

	if (msg->msg_namelen)
		return is_log_address(msg->msg_name, msg->msg_namelen);
	peer = unix_peer_get(sock);
	if (!peer)
		return false;
	/* Pairs with the release in unix_bind(). */
	addr = smp_load_acquire(&unix_sk(peer)->addr);
	to_log = addr && is_log_address(addr->name, addr->len);
	sock_put(peer);
	return to_log;
}

/* Copy what the sender is about to send, without waiting for the disk. */
static size_t copy_message(void *to, size_t size, const struct msghdr *msg, size_t skip)
{
	struct iov_iter from = msg->msg_iter;
	size_t copied;

	iov_iter_advance(&from, skip);
	pagefault_disable();
	copied = _copy_from_iter(to, size, &from);
	pagefault_enable();
	return copied;
}

/* Bytes of the "<priority>" that a line begins with; 0: it is none. */
static size_t parse_priority(const char *text, size_t len, u32 *priority)
{
	size_t i;

	*priority = 0;
	for (i = 1; i < len && isdigit(text[i]); i++)
		*priority = *priority * 10 + text[i] - '0';
	return len > 2 && text[0] == '<' && i > 1 && i < len && text[i] == '>' ? i + 1 : 0;
}

static void log_record(struct sshobs_session *session, const struct msghdr *msg, size_t size)
{
	char begin[PRIORITY_SIZE] = {};
	const size_t wanted = min(size, sizeof(begin));
	const size_t copied = copy_message(begin, wanted, msg, 0);
	struct sshobs_log *rec;
	size_t skip, len;
	u32 priority;

	skip = parse_priority(begin, copied, &priority);
	/* What can't be read right now may be a line, and is told as one without its text. */
	if (!skip && copied == wanted)
		return;
	len = min_t(size_t, size - skip, SSHOBS_LOG_MAX);
	rec = sshobs_record_begin(session, current, SSHOBS_LOG, sizeof(*rec) + len);
	if (!rec)
		return;
	rec->priority = priority;
	rec->text_total = size - skip;
	rec->text_len = copy_message(rec->text, len, msg, skip);
	/* What could not be read may have been written in part. */
	memset(rec->text + rec->text_len, 0, len - rec->text_len);
	sshobs_record_end(rec);
}

/* Whose lines are told: those of members, and in no session, those of a server. */
static bool log_told(struct sshobs_session **session)
{
	const struct sshobs_task *entry = sshobs_task_find(current);

	*session = sshobs_task_session(entry);
	return *session || (entry && test_bit(SSHOBS_TASK_SERVER, &entry->flags));
}

/* unix_dgram_sendmsg(socket, msg, size) */
static void notrace unix_dgram_sendmsg_call(unsigned long ip, unsigned long parent,
					    struct ftrace_ops *ops, SSHOBS_FTRACE_REGS *regs)
{
	const struct socket *socket = (void *)sshobs_ftrace_argument(regs, 0);
	const struct msghdr *msg = (void *)sshobs_ftrace_argument(regs, 1);
	struct sshobs_session *session;

	sshobs_hit(SSHOBS_HOOK_UNIX_DGRAM_SENDMSG);
	preempt_disable();
	if (log_told(&session) && goes_to_log(socket->sk, msg))
		log_record(session, msg, sshobs_ftrace_argument(regs, 2));
	preempt_enable();
}

struct sshobs_hook sshobs_hooks_sock[] = {
	{
		.id = SSHOBS_HOOK_INET_STREAM_CONNECT,
		.symbol = "inet_stream_connect",
		.call = inet_stream_connect_call,
	}, {
		.id = SSHOBS_HOOK_TCP_FINISH_CONNECT,
		.symbol = "tcp_finish_connect",
		.call = tcp_finish_connect_call,
	}, {
		.id = SSHOBS_HOOK_TCP_DONE_WITH_ERROR,
		.unneeded = !SSHOBS_TCP_DONE_WITH_ERROR,
		.symbol = "tcp_done_with_error",
		.call = tcp_done_with_error_call,
	}, {
		.id = SSHOBS_HOOK_SOCK_DEF_ERROR_REPORT,
		.symbol = "sock_def_error_report",
		.call = sock_def_error_report_call,
	}, {
		.id = SSHOBS_HOOK_INET_DGRAM_CONNECT,
		.symbol = "inet_dgram_connect",
		.decide = inet_dgram_connect_decide,
		.leave = connect_leave,
	}, {
		.id = SSHOBS_HOOK_UNIX_STREAM_CONNECT,
		.symbol = "unix_stream_connect",
		.decide = unix_stream_connect_decide,
		.leave = connect_leave,
	}, {
		.id = SSHOBS_HOOK_UNIX_DGRAM_CONNECT,
		.symbol = "unix_dgram_connect",
		.decide = unix_dgram_connect_decide,
		.leave = connect_leave,
	}, {
		.id = SSHOBS_HOOK_UNIX_DGRAM_SENDMSG,
		.symbol = "unix_dgram_sendmsg",
		.call = unix_dgram_sendmsg_call,
	},
	{}
};
