// SPDX-License-Identifier: GPL-2.0
#include <linux/bitmap.h>
#include <linux/ptrace.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "hooks.h"
#include "record.h"
#include "session.h"

/* One bit a port: what a socket of no interest costs is one test. */
static DECLARE_BITMAP(watched, 65536);

void sshobs_hooks_net_ports(const unsigned short *ports, unsigned int count)
{
	bitmap_zero(watched, 65536);
	while (count--)
		__set_bit(ports[count], watched);
}

bool sshobs_port_watched(unsigned short port)
{
	return test_bit(port, watched);
}

/* sk_num is 0 once the connection was reset; inet_sport stays. */
static unsigned short local_port(const struct sock *sock)
{
	return ntohs(inet_sk(sock)->inet_sport);
}

static void endpoint_v4(struct sshobs_endpoint *end, __be32 addr)
{
	end->family = AF_INET;
	memcpy(end->addr, &addr, sizeof(addr));
}

static void endpoint_v6(struct sshobs_endpoint *end, const struct in6_addr *addr, int scope_id)
{
	end->family = AF_INET6;
	memcpy(end->addr, addr, sizeof(*addr));
	if (ipv6_addr_type(addr) & IPV6_ADDR_LINKLOCAL)
		end->scope_id = scope_id;
}

void sshobs_endpoints(const struct sock *sock, struct sshobs_endpoint *peer,
		      struct sshobs_endpoint *local)
{
	peer->port = ntohs(sock->sk_dport);
	local->port = local_port(sock);
#if IS_ENABLED(CONFIG_IPV6)
	if (sock->sk_family == AF_INET6 && !ipv6_addr_v4mapped(&sock->sk_v6_daddr)) {
		endpoint_v6(peer, &sock->sk_v6_daddr, sock->sk_bound_dev_if);
		endpoint_v6(local, &sock->sk_v6_rcv_saddr, sock->sk_bound_dev_if);
		return;
	}
#endif
	endpoint_v4(peer, sock->sk_daddr);
	endpoint_v4(local, sock->sk_rcv_saddr);
}

/*
 * A server may sleep in accept() for ever, and anybody may run a server: only those
 * that listen on a watched port take a slot.
 */
static int accept_decide(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	const struct sock *listener = (void *)regs_get_kernel_argument(regs, 0);
	struct sshobs_call *call = (void *)slot->data;

	sshobs_hit(SSHOBS_HOOK_ACCEPT);
	if (!test_bit(listener->sk_num, watched))
		return 1;
	call->arg = listener;
	return 0;
}

static int accept_leave(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	const struct sshobs_call *call = (void *)slot->data;
	const struct sock *listener = call->arg;
	struct sock *sock = (void *)regs_return_value(regs);
	struct sshobs_session *session;
	struct sshobs_accept *rec;

	if (!sock)
		return 0;
	session = sshobs_session_accept(sock);
	if (!session)
		return 0;
	rec = sshobs_record_begin(session, current, SSHOBS_ACCEPT, sizeof(*rec));
	if (!rec)
		return 0;
	sshobs_endpoints(sock, &rec->peer, &rec->local);
	sock_diag_save_cookie(sock, (__u32 *)&rec->cookie);
	rec->start_ns = session->start_ns;
	rec->backlog = READ_ONCE(listener->sk_ack_backlog);
	sshobs_record_end(rec);
	return 0;
}

static void close_fill(struct sshobs_close *rec, const struct sock *sock)
{
	const struct tcp_sock *tcp = tcp_sk(sock);

	sshobs_endpoints(sock, &rec->peer, &rec->local);
	/* The peer's FIN takes a sequence number, and the kernel counts that as a byte. */
	rec->bytes_received = READ_ONCE(tcp->bytes_received) - sock_flag(sock, SOCK_DONE);
	rec->bytes_sent = READ_ONCE(tcp->bytes_sent);
	/* The kernel keeps it times eight. */
	rec->srtt_us = READ_ONCE(tcp->srtt_us) >> 3;
	rec->retransmits = READ_ONCE(tcp->total_retrans);
	/*
	 * The error is cleared once the server has read it; what stays is that the
	 * connection is gone although the peer never sent its FIN (SOCK_DONE).
	 */
	if (READ_ONCE(sock->sk_err) ||
	    (READ_ONCE(sock->sk_state) == TCP_CLOSE && !sock_flag(sock, SOCK_DONE)))
		rec->flags |= SSHOBS_CLOSE_RESET;
}

static int tcp_close_enter(struct kprobe *probe, struct pt_regs *regs)
{
	const struct sock *sock = (void *)regs_get_kernel_argument(regs, 0);
	struct sshobs_session *session;
	struct sshobs_close *rec;

	sshobs_hit(SSHOBS_HOOK_TCP_CLOSE);
	if (!test_bit(local_port(sock), watched))
		return 0;
	session = sshobs_session_take_sock(sock);
	if (!session)
		return 0;
	rec = sshobs_record_begin(session, current, SSHOBS_CLOSE, sizeof(*rec));
	if (rec) {
		close_fill(rec, sock);
		sshobs_record_end(rec);
	}
	sshobs_session_put(session);
	return 0;
}

struct sshobs_hook sshobs_hooks_net[] = {
	{
		.id = SSHOBS_HOOK_ACCEPT,
		.core = true,
		.symbol = "inet_csk_accept",
		.decide = accept_decide,
		.leave = accept_leave,
	}, {
		/* A session that could not end would be there for ever. */
		.id = SSHOBS_HOOK_TCP_CLOSE,
		.core = true,
		.symbol = "tcp_close",
		.enter = tcp_close_enter,
	},
	{}
};
