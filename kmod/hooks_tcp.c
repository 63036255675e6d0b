// SPDX-License-Identifier: GPL-2.0
#include <linux/bitmap.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/preempt.h>
#include <linux/skbuff.h>
#include <linux/sock_diag.h>
#include <linux/spinlock.h>
#include <linux/tcp.h>
#include <linux/timekeeping.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "connecting.h"
#include "handshake.h"
#include "hooks.h"
#include "record.h"
#include "session.h"

/* One bit a port: what a socket of no interest costs is one test. */
static DECLARE_BITMAP(watched, 65536);

void sshobs_hooks_tcp_ports(const unsigned short *ports, unsigned int count)
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

void sshobs_endpoint(struct sshobs_endpoint *end, const struct sockaddr *addr, u32 size)
{
	const struct sockaddr_in *v4 = (const void *)addr;
	const struct sockaddr_in6 *v6 = (const void *)addr;

	if (addr->sa_family == AF_UNIX) {
		end->family = AF_UNIX;
	} else if (addr->sa_family == AF_INET && size >= sizeof(*v4)) {
		end->port = ntohs(v4->sin_port);
		endpoint_v4(end, v4->sin_addr.s_addr);
	} else if (addr->sa_family == AF_INET6 && size >= SIN6_LEN_RFC2133) {
		end->port = ntohs(v6->sin6_port);
		if (ipv6_addr_v4mapped(&v6->sin6_addr))
			endpoint_v4(end, v6->sin6_addr.s6_addr32[3]);
		else
			endpoint_v6(end, &v6->sin6_addr,
				    size >= sizeof(*v6) ? v6->sin6_scope_id : 0);
	}
}

/*
 * Whoever makes a user namespace can make a network in it, with any address and port: what
 * he says to himself there is no login.
 */
static bool is_of_host(const struct sock *sock)
{
	return sock_net(sock)->user_ns == &init_user_ns;
}

static bool listener_watched(const struct sock *listener)
{
	return test_bit(listener->sk_num, watched) && is_of_host(listener);
}

/* Called for whatever a socket may be: only those of these families have a port. */
static bool local_watched(const struct sock *sock)
{
	if (sock->sk_family != AF_INET && sock->sk_family != AF_INET6)
		return false;
	return test_bit(local_port(sock), watched) && is_of_host(sock);
}

bool sshobs_sock_watched(const struct sock *sock)
{
	return sock->sk_protocol == IPPROTO_TCP && local_watched(sock);
}

/* --- the SYN ------------------------------------------------------------------ */

/* SYNs that are told of in a second; a flood is counted, and fills no ring. */
#define SYNS_PER_SECOND	100

static struct {
	raw_spinlock_t	lock;		/* of all that follows */
	u64		since_ns;	/* when the second began */
	u32		told;		/* in that second */
	u32		suppressed;	/* since the last one that was told */
	u64		total;
	u64		total_suppressed;
} syns = { .lock = __RAW_SPIN_LOCK_UNLOCKED(syns.lock) };

/* May this SYN be told of? *suppressed: how many were not, since the last one. */
static bool syn_admit(u64 now_ns, u32 *suppressed)
{
	unsigned long flags;
	bool admit;

	raw_spin_lock_irqsave(&syns.lock, flags);
	syns.total++;
	if (now_ns - syns.since_ns >= NSEC_PER_SEC) {
		syns.since_ns = now_ns;
		syns.told = 0;
	}
	admit = syns.told < SYNS_PER_SECOND;
	if (admit) {
		syns.told++;
		*suppressed = syns.suppressed;
		syns.suppressed = 0;
	} else {
		syns.suppressed++;
		syns.total_suppressed++;
	}
	raw_spin_unlock_irqrestore(&syns.lock, flags);
	return admit;
}

void sshobs_hooks_tcp_stats(struct sshobs_stats *stats)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&syns.lock, flags);
	stats->syns = syns.total;
	stats->syns_suppressed = syns.total_suppressed;
	raw_spin_unlock_irqrestore(&syns.lock, flags);
}

static void syn_endpoints(const struct sk_buff *skb, struct sshobs_syn *syn)
{
	const struct tcphdr *tcp = tcp_hdr(skb);

	syn->peer.port = ntohs(tcp->source);
	syn->local.port = ntohs(tcp->dest);
	if (skb->protocol == htons(ETH_P_IP)) {
		endpoint_v4(&syn->peer, ip_hdr(skb)->saddr);
		endpoint_v4(&syn->local, ip_hdr(skb)->daddr);
		return;
	}
	endpoint_v6(&syn->peer, &ipv6_hdr(skb)->saddr, skb->skb_iif);
	endpoint_v6(&syn->local, &ipv6_hdr(skb)->daddr, skb->skb_iif);
}

static noinline void syn_seen(const struct sock *listener, const struct sk_buff *skb)
{
	struct sshobs_syn syn = {
		.peer_isn = ntohl(tcp_hdr(skb)->seq),
		.window = ntohs(tcp_hdr(skb)->window),
		.backlog = READ_ONCE(listener->sk_ack_backlog),
		.backlog_max = READ_ONCE(listener->sk_max_ack_backlog),
	};
	u64 now_ns = ktime_get_ns();
	struct sshobs_syn *rec;

	syn_endpoints(skb, &syn);
	sshobs_handshake_syn(sock_net(listener), &syn, now_ns);
	if (!syn_admit(now_ns, &syn.suppressed))
		return;
	rec = sshobs_record_begin(NULL, NULL, SSHOBS_SYN, sizeof(*rec));
	if (!rec)
		return;
	*rec = syn;
	sshobs_record_end(rec);
}

/* tcp_conn_request(rsk_ops, af_ops, listener, skb), in softirq context */
static void notrace syn_call(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
			     SSHOBS_FTRACE_REGS *regs)
{
	const struct sock *listener = (void *)sshobs_ftrace_argument(regs, 2);

	sshobs_hit(SSHOBS_HOOK_TCP_CONN_REQUEST);
	if (listener_watched(listener))
		syn_seen(listener, (void *)sshobs_ftrace_argument(regs, 3));
}

/* --- accept ------------------------------------------------------------------- */

static noinline void accept_begins(const struct sock *listener)
{
	preempt_disable();
	sshobs_session_server(READ_ONCE(listener->sk_ack_backlog));
	preempt_enable();
}

/* inet_csk_accept(listener, ...): a server asks for a connection, and may sleep for it. */
static void notrace accept_call(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
				SSHOBS_FTRACE_REGS *regs)
{
	const struct sock *listener = (void *)sshobs_ftrace_argument(regs, 0);

	sshobs_hit(SSHOBS_HOOK_INET_CSK_ACCEPT);
	if (listener_watched(listener))
		accept_begins(listener);
}

/*
 * What a connection that nothing was read from or written to yet remembers of its
 * handshake: tcp_init_transfer() noted the time of the last ACK, the first round trip
 * that was measured is that from the SYN-ACK to it, and the counters of bytes tell how
 * far the sequence numbers are from the initial ones.
 */
static void established_fill(struct sshobs_established *rec, const struct sock *sock)
{
	const struct tcp_sock *tcp = tcp_sk(sock);

	sshobs_endpoints(sock, &rec->peer, &rec->local);
	rec->established_ns = tcp->rcvq_space.time * NSEC_PER_USEC;
	rec->peer_isn = tcp->rcv_nxt - (u32)tcp->bytes_received - 1;
	rec->local_isn = tcp->snd_una - (u32)tcp->bytes_acked - 1;
	/* The kernel keeps it times eight. A SYN-ACK that was sent again has none. */
	if (!tcp->total_retrans)
		rec->rtt_us = tcp->srtt_us >> 3;
	if (rec->rtt_us && rec->established_ns)
		rec->synack_ns = rec->established_ns - rec->rtt_us * NSEC_PER_USEC;
	sshobs_handshake_take(sock_net(sock), rec);
}

static u64 established_record(struct sshobs_session *session, const struct sock *sock)
{
	struct sshobs_established established = {}, *rec;

	established_fill(&established, sock);
	rec = sshobs_record_begin(session, current, SSHOBS_ESTABLISHED, sizeof(*rec));
	if (rec) {
		*rec = established;
		sshobs_record_end(rec);
	}
	return established.established_ns;
}

/* A socket that is new may be where that of a session was, whose close nobody saw. */
static void stale_drop(const struct sock *sock)
{
	struct sshobs_session *stale = sshobs_session_take_sock(sock);

	if (!stale)
		return;
	sshobs_hooks_wire_drop(stale);
	sshobs_session_mark(stale, SSHOBS_INCOMPLETE_MISSED);
	sshobs_session_put(stale);
}

static noinline void accepted(struct sock *sock)
{
	struct sshobs_session *session;
	struct sshobs_accept *rec;
	u64 established_ns;
	u32 backlog;

	stale_drop(sock);
	session = sshobs_session_accept(sock, &backlog);
	if (!session)
		return;
	sshobs_hooks_wire_begin(session, sock);
	established_ns = established_record(session, sock);
	rec = sshobs_record_begin(session, current, SSHOBS_ACCEPT, sizeof(*rec));
	if (!rec)
		return;
	sshobs_endpoints(sock, &rec->peer, &rec->local);
	sock_diag_save_cookie(sock, (__u32 *)&rec->cookie);
	rec->start_ns = session->start_ns;
	rec->backlog = backlog;
	if (established_ns && established_ns < session->start_ns)
		rec->queue_ns = session->start_ns - established_ns;
	sshobs_record_end(rec);
}

/*
 * security_sock_graft(sock, socket): where accept() gives the connection to the server,
 * with both locked and bottom halves off. Its return, in contrast, would have to be
 * waited for, by a probe for each server that sleeps.
 *
 * The connection of a client that speaks MPTCP is a socket above those of TCP, which carry
 * parts of it, and come and go. One that does not is given a socket of TCP by the same
 * server.
 */
static void notrace graft_call(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
			       SSHOBS_FTRACE_REGS *regs)
{
	struct sock *sock = (void *)sshobs_ftrace_argument(regs, 0);

	sshobs_hit(SSHOBS_HOOK_SECURITY_SOCK_GRAFT);
	if (!local_watched(sock))
		return;
	if (sock->sk_protocol == IPPROTO_TCP)
		accepted(sock);
	else if (sock->sk_protocol == IPPROTO_MPTCP)
		sshobs_session_untracked();
}

/* --- close -------------------------------------------------------------------- */

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

static noinline void closed(struct sock *sock)
{
	struct sshobs_session *session;
	struct sshobs_close *rec;

	preempt_disable();
	session = sshobs_session_of_sock(sock);
	if (!session)
		goto enable_preempt;
	sshobs_hooks_wire_end(session, sock);
	session = sshobs_session_take_sock(sock);
	if (!session)
		goto enable_preempt;
	rec = sshobs_record_begin(session, current, SSHOBS_CLOSE, sizeof(*rec));
	if (rec) {
		close_fill(rec, sock);
		sshobs_record_end(rec);
	}
	sshobs_session_put(session);
enable_preempt:
	preempt_enable();
}

/*
 * tcp_close(sock, timeout): the last descriptor of it goes. Its port tells nothing: what was
 * accepted on a watched one can be disconnected, and bound to another.
 */
static void notrace close_call(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
			       SSHOBS_FTRACE_REGS *regs)
{
	struct sock *sock = (void *)sshobs_ftrace_argument(regs, 0);

	sshobs_hit(SSHOBS_HOOK_TCP_CLOSE);
	if (sshobs_connecting_any())
		sshobs_hooks_sock_closed(sock);
	if (sshobs_session_may_have_sock(sock))
		closed(sock);
}

struct sshobs_hook sshobs_hooks_tcp[] = {
	{
		.id = SSHOBS_HOOK_TCP_CONN_REQUEST,
		.symbol = "tcp_conn_request",
		.call = syn_call,
	}, {
		.id = SSHOBS_HOOK_INET_CSK_ACCEPT,
		.core = true,
		.symbol = "inet_csk_accept",
		.call = accept_call,
	}, {
		.id = SSHOBS_HOOK_SECURITY_SOCK_GRAFT,
		.core = true,
		.symbol = "security_sock_graft",
		.call = graft_call,
	}, {
		/* A session that could not end would be there for ever. */
		.id = SSHOBS_HOOK_TCP_CLOSE,
		.core = true,
		.symbol = "tcp_close",
		.call = close_call,
	},
	{}
};
