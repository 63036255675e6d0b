// SPDX-License-Identifier: GPL-2.0
/*
 * The clear text of a session's connection, taken out of the socket's own queues:
 * what the server has read while it is still in the receive queue, what it has sent
 * while the other side has not acknowledged it yet. Tracepoints, since every TCP
 * socket of the host passes here for each segment, and a kprobe costs six times as
 * much.
 */
#include <linux/preempt.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/timekeeping.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <trace/events/tcp.h>

#include "hooks.h"
#include "record.h"
#include "session.h"
#include "wire.h"

/* Sessions that still talk in clear text: while there are none, nobody looks further. */
static atomic_t talking;

static bool session_talks(const struct sshobs_session *session)
{
	return session->wire[SSHOBS_WIRE_IN].state != SSHOBS_WIRE_OVER ||
	       session->wire[SSHOBS_WIRE_OUT].state != SSHOBS_WIRE_OVER;
}

static void session_silence(struct sshobs_session *session)
{
	if (session_talks(session))
		return;
	if (test_and_clear_bit(SSHOBS_SESSION_TALKS, &session->flags))
		atomic_dec(&talking);
}

void sshobs_hooks_wire_begin(struct sshobs_session *session, const struct sock *sock)
{
	const struct tcp_sock *tcp = tcp_sk(sock);

	sshobs_wire_begin(&session->wire[SSHOBS_WIRE_IN], tcp->copied_seq);
	sshobs_wire_begin(&session->wire[SSHOBS_WIRE_OUT], tcp->snd_una);
	session->arrived_ns = ktime_get_ns();
	set_bit(SSHOBS_SESSION_TALKS, &session->flags);
	atomic_inc(&talking);
}

/* What a record of clear text is about. */
struct told {
	struct sshobs_session	*session;
	struct task_struct	*task;
	enum sshobs_direction	direction;
	u64			net_ns;
};

static struct sshobs_wire *told_begin(const struct told *told, const struct sshobs_wire_side *side,
				      const struct sshobs_wire_piece *piece)
{
	struct sshobs_wire *rec = sshobs_record_begin(told->session, told->task, SSHOBS_WIRE,
						      sizeof(*rec) + piece->len);

	if (!rec)
		return NULL;
	rec->offset = side->offset;
	rec->net_ns = told->net_ns;
	rec->at = piece->at;
	rec->message_len = piece->message_len;
	rec->data_len = piece->len;
	rec->direction = told->direction;
	rec->message = piece->message;
	rec->flags = piece->flags;
	return rec;
}

/* More is said, and it is not told. */
static void tell_cut(const struct told *told)
{
	struct sshobs_wire_side *side = &told->session->wire[told->direction];
	const struct sshobs_wire_piece none = { .at = side->at, .flags = SSHOBS_WIRE_CUT };
	struct sshobs_wire *rec = told_begin(told, side, &none);

	if (rec)
		sshobs_record_end(rec);
	side->state = SSHOBS_WIRE_OVER;
	sshobs_session_mark(told->session, SSHOBS_INCOMPLETE_WIRE);
}

/*
 * Tell the bytes at an offset of a buffer. Where more may follow in the same buffer,
 * a piece that has no end yet waits for it: a server reads its client's version byte
 * by byte.
 */
static void tell_bytes(const struct told *told, const struct sk_buff *skb, unsigned int offset,
		       u32 len, bool more)
{
	struct sshobs_wire_side *side = &told->session->wire[told->direction];
	struct sshobs_wire_side next;
	struct sshobs_wire_piece piece;
	struct sshobs_wire *rec;

	while (len && side->state != SSHOBS_WIRE_OVER) {
		sshobs_wire_look(side, skb, offset, len, &next, &piece);
		if (more && len < SSHOBS_WIRE_MAX && !piece.flags)
			return;
		if (side->records >= SSHOBS_WIRE_RECORDS_MAX ||
		    next.offset > SSHOBS_WIRE_BYTES_MAX) {
			tell_cut(told);
			return;
		}
		rec = told_begin(told, side, &piece);
		if (rec) {
			/* It can't fail: the bytes have just been looked at. */
			skb_copy_bits(skb, offset, rec->data, piece.len);
			sshobs_record_end(rec);
		}
		next.records = side->records + 1;
		*side = next;
		offset += piece.len;
		len -= piece.len;
	}
}

/*
 * The server has read up to copied_seq; the buffer that it read from is still there. With
 * last, it reads no more: what waited for the end of its line is told without, and a buffer
 * that it read to its end is gone, as is the client's FIN, which takes a sequence number.
 */
static void tell_read(struct sshobs_session *session, const struct sock *sock, bool last)
{
	const struct told told = {
		session, current, SSHOBS_WIRE_IN, session->arrived_ns
	};
	struct sshobs_wire_side *side = &session->wire[SSHOBS_WIRE_IN];
	u32 fin = last && sock_flag(sock, SOCK_DONE) ? 1 : 0;
	u32 read = tcp_sk(sock)->copied_seq;
	const struct sk_buff *skb = skb_peek(&sock->sk_receive_queue);
	u32 offset, len;

	if (side->state == SSHOBS_WIRE_OVER || !after(read, side->seq))
		return;
	if (!skb && read == side->seq + fin)
		return;
	/* Whoever takes buffers out of the queue unread takes the text along. */
	if (!skb || before(side->seq, TCP_SKB_CB(skb)->seq) ||
	    after(read, TCP_SKB_CB(skb)->end_seq)) {
		tell_cut(&told);
		return;
	}
	offset = side->seq - TCP_SKB_CB(skb)->seq;
	if (offset >= skb->len)
		return;
	len = min(read - side->seq, skb->len - offset);
	tell_bytes(&told, skb, offset, len, !last && offset + len < skb->len);
}

/* All that was sent and not acknowledged, from the first byte that was not told on. */
static void tell_sent(struct sshobs_session *session, const struct sock *sock)
{
	struct told told = { session, NULL, SSHOBS_WIRE_OUT };
	struct sshobs_wire_side *side = &session->wire[SSHOBS_WIRE_OUT];
	const struct sk_buff *skb;

	for (skb = tcp_rtx_queue_head(sock); skb && side->state != SSHOBS_WIRE_OVER;
	     skb = skb_rb_next(skb)) {
		u32 seq = TCP_SKB_CB(skb)->seq;

		if (!after(seq + skb->len, side->seq))
			continue;
		told.net_ns = skb->skb_mstamp_ns;
		/* It was acknowledged while the other side had closed already. */
		if (after(seq, side->seq)) {
			tell_cut(&told);
			return;
		}
		tell_bytes(&told, skb, side->seq - seq, seq + skb->len - side->seq, false);
	}
}

/*
 * What was sent to a client that had closed its side is acknowledged without a
 * tracepoint, what a time-out took out of the queue is gone without one, and what the
 * server has written may still wait to be sent. The FIN takes a sequence number too.
 */
static void tell_missed(struct sshobs_session *session, const struct sock *sock)
{
	const struct told told = { session, NULL, SSHOBS_WIRE_OUT, ktime_get_ns() };
	struct sshobs_wire_side *side = &session->wire[SSHOBS_WIRE_OUT];
	u32 fin = sock->sk_shutdown & SEND_SHUTDOWN ? 1 : 0;

	if (side->state != SSHOBS_WIRE_OVER && after(tcp_sk(sock)->write_seq, side->seq + fin))
		tell_cut(&told);
}

static struct sshobs_session *talking_session(const struct sock *sock)
{
	struct sshobs_session *session;

	if (!sshobs_sock_watched(sock))
		return NULL;
	session = sshobs_session_of_sock(sock);
	return session && test_bit(SSHOBS_SESSION_TALKS, &session->flags) ? session : NULL;
}

/* Out of line, so that what the host pays while nobody talks is a compare and a return. */
static noinline void rcv_space_look(const struct sock *sock)
{
	struct sshobs_session *session;

	preempt_disable();
	session = talking_session(sock);
	if (session) {
		tell_read(session, sock, false);
		session_silence(session);
	}
	preempt_enable();
}

/* In tcp_recvmsg(), after each buffer that it copied from, with the socket locked. */
static void rcv_space_trace(void *data, struct sock *sock)
{
	sshobs_hit(SSHOBS_HOOK_TCP_RCV_SPACE_ADJUST);
	if (atomic_read(&talking))
		rcv_space_look(sock);
}

static noinline void tcp_probe_look(const struct sock *sock, const struct sk_buff *skb)
{
	struct sshobs_session *session;

	preempt_disable();
	session = talking_session(sock);
	if (session) {
		if (skb->len > tcp_hdrlen(skb))
			session->arrived_ns = ktime_get_ns();
		tell_sent(session, sock);
		session_silence(session);
	}
	preempt_enable();
}

/* For each segment that comes, before what it acknowledges is freed, with the socket locked. */
static void tcp_probe_trace(void *data, struct sock *sock, SSHOBS_TCP_PROBE_SKB *skb)
{
	sshobs_hit(SSHOBS_HOOK_TCP_PROBE);
	if (atomic_read(&talking))
		tcp_probe_look(sock, skb);
}

static noinline void receive_reset_look(const struct sock *sock)
{
	struct sshobs_session *session;

	preempt_disable();
	session = talking_session(sock);
	if (session) {
		tell_sent(session, sock);
		session_silence(session);
	}
	preempt_enable();
}

/*
 * A client that connects and is gone answers what it is sent with a reset. This is before
 * that takes what was sent out of the queue, with the socket locked.
 */
static void receive_reset_trace(void *data, struct sock *sock)
{
	sshobs_hit(SSHOBS_HOOK_TCP_RECEIVE_RESET);
	sshobs_hooks_sock_reset(sock);
	if (atomic_read(&talking))
		receive_reset_look(sock);
}

void sshobs_hooks_wire_drop(struct sshobs_session *session)
{
	session->wire[SSHOBS_WIRE_IN].state = SSHOBS_WIRE_OVER;
	session->wire[SSHOBS_WIRE_OUT].state = SSHOBS_WIRE_OVER;
	session_silence(session);
}

/*
 * Called while the socket still has the session: the server may have read the begin of a
 * line, and what it sent last (one that refuses says so and closes) may have no answer
 * yet. Whoever holds the socket locked is in a call of his own on it, and has the last
 * word.
 */
void sshobs_hooks_wire_end(struct sshobs_session *session, struct sock *sock)
{
	if (!test_bit(SSHOBS_SESSION_TALKS, &session->flags))
		return;
	local_bh_disable();
	bh_lock_sock(sock);
	if (!sock_owned_by_user(sock)) {
		tell_read(session, sock, true);
		tell_sent(session, sock);
		tell_missed(session, sock);
	}
	sshobs_hooks_wire_drop(session);
	bh_unlock_sock(sock);
	local_bh_enable();
}

/* Never called: the compiler compares the probes with the kernel's prototypes. */
static void __maybe_unused trace_prototypes(void)
{
	check_trace_callback_type_tcp_rcv_space_adjust(rcv_space_trace);
	check_trace_callback_type_tcp_probe(tcp_probe_trace);
	check_trace_callback_type_tcp_receive_reset(receive_reset_trace);
}

struct sshobs_hook sshobs_hooks_wire[] = {
	{
		.id = SSHOBS_HOOK_TCP_RCV_SPACE_ADJUST,
		.symbol = "tcp_rcv_space_adjust",
		.trace = rcv_space_trace,
	}, {
		.id = SSHOBS_HOOK_TCP_PROBE,
		.symbol = "tcp_probe",
		.trace = tcp_probe_trace,
	}, {
		.id = SSHOBS_HOOK_TCP_RECEIVE_RESET,
		.symbol = "tcp_receive_reset",
		.trace = receive_reset_trace,
	},
	{}
};
