/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages of the binary packet protocol (RFC 4253, section 6), as a peer sends them
 * before encryption.
 */
#ifndef _SSHOBS_GOLDEN_PACKETS_H
#define _SSHOBS_GOLDEN_PACKETS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Where the messages of these tests end. */
#define PACKET_MAX 8192

/**
 * struct packet - one message, as it is built
 * @bytes: length field, padding length, payload, padding
 * @len: how many
 */
struct packet {
	unsigned char bytes[PACKET_MAX];
	size_t len;
};

static inline void packet_u32(unsigned char *to, uint32_t number)
{
	to[0] = (unsigned char)(number >> 24);
	to[1] = (unsigned char)(number >> 16);
	to[2] = (unsigned char)(number >> 8);
	to[3] = (unsigned char)number;
}

/* Begin with the number of the message. */
static inline void packet_begin(struct packet *packet, unsigned char message)
{
	packet->len = 6;
	packet->bytes[5] = message;
}

static inline void packet_add(struct packet *packet, const void *bytes, size_t len)
{
	memcpy(packet->bytes + packet->len, bytes, len);
	packet->len += len;
}

static inline void packet_add_u32(struct packet *packet, uint32_t number)
{
	unsigned char bytes[4];

	packet_u32(bytes, number);
	packet_add(packet, bytes, sizeof(bytes));
}

static inline void packet_add_string(struct packet *packet, const char *string)
{
	packet_add_u32(packet, (uint32_t)strlen(string));
	packet_add(packet, string, strlen(string));
}

/* Pad to a multiple of 8 with 4 bytes or more, and fill in the lengths. */
static inline void packet_end(struct packet *packet)
{
	size_t padding = 4 + (8 - (packet->len + 4) % 8) % 8;

	packet_u32(packet->bytes, (uint32_t)(packet->len + padding - 4));
	packet->bytes[4] = (unsigned char)padding;
	memset(packet->bytes + packet->len, 0, padding);
	packet->len += padding;
}

/* What a KEXINIT offers: ten lists, in its order. */
static inline void packet_kexinit(struct packet *packet, const char *const lists[10])
{
	static const unsigned char cookie[16] = "a random cookie";
	unsigned int i;

	packet_begin(packet, 20);
	packet_add(packet, cookie, sizeof(cookie));
	for (i = 0; i < 10; i++)
		packet_add_string(packet, lists[i]);
	packet_add(packet, "", 1);
	packet_add_u32(packet, 0);
	packet_end(packet);
}

static inline void packet_newkeys(struct packet *packet)
{
	packet_begin(packet, 21);
	packet_end(packet);
}

static inline void packet_disconnect(struct packet *packet, uint32_t reason, const char *text)
{
	packet_begin(packet, 1);
	packet_add_u32(packet, reason);
	packet_add_string(packet, text);
	packet_add_string(packet, "");
	packet_end(packet);
}

#endif /* _SSHOBS_GOLDEN_PACKETS_H */
