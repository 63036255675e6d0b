// SPDX-License-Identifier: GPL-2.0
#include <linux/minmax.h>
#include <linux/skbuff.h>
#include <linux/string.h>

#include "wire.h"

/* RFC 4253 allows 255 bytes; OpenSSH reads 8192 before it gives up. */
#define LINE_MAX	8192
/* Of the packet's own length, as OpenSSH has it: packet.c, PACKET_MAX_SIZE. */
#define PACKET_MIN	5
#define PACKET_MAX	(256 * 1024)
#define LENGTH_SIZE	4
#define MSG_NEWKEYS	21

static const char version[] = { 'S', 'S', 'H', '-' };

void sshobs_wire_begin(struct sshobs_wire_side *side, u32 seq)
{
	*side = (struct sshobs_wire_side){ .seq = seq, .state = SSHOBS_WIRE_LINES };
}

/* The line or the message is over; after "SSH-..." come messages, after NEWKEYS nothing. */
static void wire_whole(struct sshobs_wire_side *next, struct sshobs_wire_piece *piece)
{
	piece->flags |= SSHOBS_WIRE_WHOLE;
	if (next->state == SSHOBS_WIRE_LINES && next->at > sizeof(version) &&
	    !memcmp(next->head, version, sizeof(version)))
		next->state = SSHOBS_WIRE_PACKETS;
	if (next->message == MSG_NEWKEYS) {
		piece->flags |= SSHOBS_WIRE_LAST;
		next->state = SSHOBS_WIRE_OVER;
	}
	next->at = 0;
	next->message_len = 0;
	next->message = 0;
}

static void wire_foreign(struct sshobs_wire_side *next, struct sshobs_wire_piece *piece)
{
	piece->flags |= SSHOBS_WIRE_FOREIGN;
	next->state = SSHOBS_WIRE_OVER;
}

/* Keep the first bytes of a line or message, as many as there are by now. */
static void wire_head(struct sshobs_wire_side *next, const struct sk_buff *skb,
		      unsigned int offset, u32 len)
{
	if (next->at < SSHOBS_WIRE_HEAD)
		skb_copy_bits(skb, offset, next->head + next->at,
			      min_t(u32, len, SSHOBS_WIRE_HEAD - next->at));
}

/* Bytes up to and with the next newline, or all. */
static u32 line_length(const struct sk_buff *skb, unsigned int offset, u32 len, bool *ends)
{
	char chunk[64];
	u32 done = 0;

	*ends = false;
	while (done < len) {
		u32 n = min_t(u32, len - done, sizeof(chunk));
		const char *newline;

		if (skb_copy_bits(skb, offset + done, chunk, n))
			break;
		newline = memchr(chunk, '\n', n);
		if (newline) {
			*ends = true;
			return done + (newline - chunk) + 1;
		}
		done += n;
	}
	return len;
}

static void look_line(struct sshobs_wire_side *next, const struct sk_buff *skb,
		      unsigned int offset, u32 len, struct sshobs_wire_piece *piece)
{
	bool ends;

	piece->len = line_length(skb, offset, len, &ends);
	wire_head(next, skb, offset, piece->len);
	next->at += piece->len;
	if (ends)
		wire_whole(next, piece);
	else if (next->at > LINE_MAX)
		wire_foreign(next, piece);
}

static u32 packet_length(const u8 *head)
{
	return (u32)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
}

static void look_message(struct sshobs_wire_side *next, const struct sk_buff *skb,
			 unsigned int offset, u32 len, struct sshobs_wire_piece *piece)
{
	wire_head(next, skb, offset, len);
	piece->len = len;
	if (next->at + len >= LENGTH_SIZE) {
		u32 packet = packet_length(next->head);

		if (packet < PACKET_MIN || packet > PACKET_MAX) {
			wire_foreign(next, piece);
			return;
		}
		next->message_len = LENGTH_SIZE + packet;
		piece->len = min(len, next->message_len - next->at);
	}
	if (next->at + piece->len >= SSHOBS_WIRE_HEAD)
		next->message = next->head[SSHOBS_WIRE_HEAD - 1];
	piece->message_len = next->message_len;
	piece->message = next->message;
	next->at += piece->len;
	if (next->at == next->message_len)
		wire_whole(next, piece);
}

void sshobs_wire_look(const struct sshobs_wire_side *side, const struct sk_buff *skb,
		      unsigned int offset, u32 len, struct sshobs_wire_side *next,
		      struct sshobs_wire_piece *piece)
{
	*next = *side;
	*piece = (struct sshobs_wire_piece){ .at = side->at };
	len = min_t(u32, len, SSHOBS_WIRE_MAX);
	if (side->state == SSHOBS_WIRE_LINES)
		look_line(next, skb, offset, len, piece);
	else
		look_message(next, skb, offset, len, piece);
	next->offset += piece->len;
	next->seq += piece->len;
}
