// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions that are about their clear text: one that comes to an agreement, and tries
 * the reader with what may stand in a name; a client of another protocol; a client that
 * sends garbage, and what its server says to that; and what is not whole.
 */
#include <string.h>

#include "make-capture.h"
#include "packets.h"

/* Bytes that were told of each side of the session. */
static uint64_t offsets[2];

static void tell(unsigned int direction, struct sshobs_wire *wire, const void *data, size_t len)
{
	wire->offset = offsets[direction];
	wire->net_ns = now - 40000;
	wire->direction = (unsigned char)direction;
	wire->data_len = (uint32_t)len;
	put(SSHOBS_WIRE, 0, wire, sizeof(*wire), data, len);
	offsets[direction] += len;
	after_us(700);
}

static void line(unsigned int direction, const char *text)
{
	struct sshobs_wire wire = { .flags = SSHOBS_WIRE_WHOLE };

	tell(direction, &wire, text, strlen(text));
}

/* A message, in pieces of @step bytes. */
static void message(unsigned int direction, const struct packet *packet, size_t step)
{
	size_t at;

	for (at = 0; at < packet->len; at += step) {
		size_t len = packet->len - at < step ? packet->len - at : step;
		struct sshobs_wire wire = {
			.at = (uint32_t)at,
			.message_len = (uint32_t)packet->len,
			.message = packet->bytes[5],
		};

		if (at + len == packet->len)
			wire.flags =
				SSHOBS_WIRE_WHOLE | (wire.message == 21 ? SSHOBS_WIRE_LAST : 0);
		tell(direction, &wire, packet->bytes + at, len);
	}
}

/* A connection that a child of sshd takes. */
static void begins(uint64_t session, unsigned int port, uint32_t child)
{
	struct sshobs_clone clone = { .child = child };

	memset(offsets, 0, sizeof(offsets));
	after_us(2000);
	on(session, 888, "sshd");
	accept_from(ipv4(7, port), ipv4(1, 22), SSHOBS_ACCEPT, 0);
	after_us(400);
	clone.start_ns = now;
	put(SSHOBS_CLONE, 100, &clone, sizeof(clone), "", 0);
	after_us(2600);
}

static void finishes(unsigned int port, uint32_t incomplete)
{
	closes(ipv4(7, port), offsets[SSHOBS_WIRE_IN], offsets[SSHOBS_WIRE_OUT], 0);
	after_us(20);
	ends(9000000, 1, 0, 0, incomplete);
}

static const char *const client_lists[10] = {
	"sntrup761x25519-sha512@openssh.com,curve25519-sha256,ext-info-c,"
	"kex-strict-c-v00@openssh.com",
	"ssh-ed25519-cert-v01@openssh.com,ssh-ed25519,rsa-sha2-512",
	"aes256-gcm@openssh.com,aes256-ctr",
	"aes256-ctr,aes256-gcm@openssh.com",
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-256",
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-256",
	"zlib@openssh.com,none",
	"none,zlib@openssh.com",
	/* What a terminal would obey, what is no UTF-8, and what turns the text around. */
	"\033[31mde,\377\200,\xe2\x80\xae"
	"ed",
	"",
};

static const char *const server_lists[10] = {
	"curve25519-sha256,sntrup761x25519-sha512@openssh.com,ext-info-s,"
	"kex-strict-s-v00@openssh.com",
	"rsa-sha2-512,ssh-ed25519",
	"aes256-ctr,aes256-gcm@openssh.com",
	"aes256-ctr,aes256-gcm@openssh.com",
	"hmac-sha2-256",
	"hmac-sha2-256",
	"none,zlib@openssh.com",
	"none,zlib@openssh.com",
	"",
	"",
};

static void agrees(void)
{
	struct packet packet;

	begins(31, 40031, 1301);
	on(31, 0, "");
	line(SSHOBS_WIRE_OUT, "Be \033[1mwelcome\r\n");
	line(SSHOBS_WIRE_OUT, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
	on(31, 1301, "sshd");
	line(SSHOBS_WIRE_IN, "SSH-2.0-\033]0;owned\a caf\303\251 \\ \302\233\r\n");
	packet_kexinit(&packet, client_lists);
	message(SSHOBS_WIRE_IN, &packet, 300);
	on(31, 0, "");
	packet_kexinit(&packet, server_lists);
	message(SSHOBS_WIRE_OUT, &packet, 4096);
	packet_newkeys(&packet);
	message(SSHOBS_WIRE_OUT, &packet, 4096);
	on(31, 1301, "sshd");
	message(SSHOBS_WIRE_IN, &packet, 4096);
	finishes(40031, 0);
}

static void other_protocol(void)
{
	begins(32, 40032, 1302);
	on(32, 0, "");
	line(SSHOBS_WIRE_OUT, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
	on(32, 1302, "sshd");
	line(SSHOBS_WIRE_IN, "GET /\033[2J HTTP/1.1\r\n");
	finishes(40032, 0);
}

static void garbage(void)
{
	static const char bytes[] = "\033[2J\0\377garbage, and more of it than is shown";
	struct sshobs_wire wire = { .flags = SSHOBS_WIRE_FOREIGN };
	struct packet packet;

	begins(33, 40033, 1303);
	on(33, 0, "");
	line(SSHOBS_WIRE_OUT, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
	packet_kexinit(&packet, server_lists);
	message(SSHOBS_WIRE_OUT, &packet, 4096);
	on(33, 1303, "sshd");
	line(SSHOBS_WIRE_IN, "SSH-2.0-x\n");
	tell(SSHOBS_WIRE_IN, &wire, bytes, sizeof(bytes));
	on(33, 0, "");
	packet_disconnect(&packet, 2, "Packet corrupt\r\n\033[31m");
	message(SSHOBS_WIRE_OUT, &packet, 4096);
	finishes(40033, 0);
}

/* The server's version was lost; its client offers lists that are longer than it says. */
static void unwhole(void)
{
	struct sshobs_wire cut = { .flags = SSHOBS_WIRE_CUT };
	struct sshobs_wire begun = { .flags = 0 };
	struct packet packet;

	begins(34, 40034, 1304);
	on(34, 0, "");
	offsets[SSHOBS_WIRE_OUT] = 40;
	packet_kexinit(&packet, server_lists);
	message(SSHOBS_WIRE_OUT, &packet, 4096);
	on(34, 1304, "sshd");
	line(SSHOBS_WIRE_IN, "SSH-2.0-y\r\n");
	packet_kexinit(&packet, client_lists);
	packet_u32(packet.bytes + 22, UINT32_MAX);
	message(SSHOBS_WIRE_IN, &packet, 4096);
	tell(SSHOBS_WIRE_IN, &cut, "", 0);
	finishes(40034, SSHOBS_INCOMPLETE_WIRE);

	begins(35, 40035, 1305);
	on(35, 1305, "sshd");
	tell(SSHOBS_WIRE_IN, &begun, "SSH-2.0-b", 9);
}

void negotiations(void)
{
	agrees();
	other_protocol();
	garbage();
	unwhole();
}
