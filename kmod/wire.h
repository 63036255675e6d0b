/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where clear text ends: just enough of SSH's framing to find, in what one side of a
 * connection says, where a line or a message begins, and the NEWKEYS after which all
 * is encrypted. Nothing is understood here; that is for the reader.
 *
 * RFC 4253: lines up to the one that begins with "SSH-" (4.2), then packets: a length
 * of 4 bytes, the length of the padding in one, the number of the message in the next
 * (6).
 *
 * Whoever calls in holds the socket's lock; there is no other.
 */
#ifndef _SSHOBS_WIRE_H
#define _SSHOBS_WIRE_H

#include <linux/types.h>

#include "../uapi/sshobs.h"

struct sk_buff;

/* Enough of a message to know its length and its number. */
#define SSHOBS_WIRE_HEAD	6

/**
 * struct sshobs_wire_side - how far one side has come
 * @offset: bytes of it that were told
 * @seq: TCP sequence number of the byte after them
 * @at: bytes of the line or message that has begun
 * @message_len: bytes that the message has with its length field; 0: not known yet
 * @records: records that tell of this side
 * @state: what comes next
 * @message: number of the message; 0: not known yet
 * @head: the first bytes of the line or message
 */
struct sshobs_wire_side {
	u64	offset;
	u32	seq;
	u32	at;
	u32	message_len;
	u16	records;
	enum __packed {
		SSHOBS_WIRE_OVER,	/* nothing that may be told */
		SSHOBS_WIRE_LINES,
		SSHOBS_WIRE_PACKETS,
	} state;
	u8	message;
	u8	head[SSHOBS_WIRE_HEAD];
};

/**
 * struct sshobs_wire_piece - a line, a message, or what there is of one
 * @len: its bytes
 * @at: bytes of the line or message before it
 * @message_len: as in struct sshobs_wire
 * @message: as in struct sshobs_wire
 * @flags: SSHOBS_WIRE_WHOLE, SSHOBS_WIRE_LAST, SSHOBS_WIRE_FOREIGN
 */
struct sshobs_wire_piece {
	u32	len;
	u32	at;
	u32	message_len;
	u8	message;
	u8	flags;
};

/**
 * sshobs_wire_begin() - a connection's side begins to talk
 * @side: the side
 * @seq: TCP sequence number of its first byte
 */
void sshobs_wire_begin(struct sshobs_wire_side *side, u32 seq);

/**
 * sshobs_wire_look() - find the next piece
 * @side: the side, which is not over; changes only when the caller takes @next for it
 * @skb: where the bytes are
 * @offset: in @skb, of the first of them
 * @len: how many there are, at least 1
 * @next: out: the side after the piece, but for its @records
 * @piece: out: the piece; at most SSHOBS_WIRE_MAX bytes. With SSHOBS_WIRE_FOREIGN
 *	they are what could not be framed
 *
 * Context: any; the socket's lock is held.
 */
void sshobs_wire_look(const struct sshobs_wire_side *side, const struct sk_buff *skb,
		      unsigned int offset, u32 len, struct sshobs_wire_side *next,
		      struct sshobs_wire_piece *piece);

#endif /* _SSHOBS_WIRE_H */
