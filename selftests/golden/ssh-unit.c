// SPDX-License-Identifier: GPL-2.0
/*
 * userspace/ssh.c by itself, under the address and undefined behaviour sanitizers:
 * what it makes of clear text, and that no text can make it read or keep too much.
 * TAP.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../userspace/ssh.h"
#include "packets.h"

static unsigned int count, failed;

static void result(bool good, const char *name)
{
	printf("%sok %u - ssh.c: %s\n", good ? "" : "not ", ++count, name);
	failed += !good;
}

/* --- a side that talks ------------------------------------------------------ */

/* How far each side of the negotiation under test has come. */
static struct negotiation *negotiation;
static uint64_t offsets[2];
static uint64_t now;

static void begin(void)
{
	negotiation_free(negotiation);
	negotiation = NULL;
	memset(offsets, 0, sizeof(offsets));
	now = 1000;
}

static const struct side *side_of(enum sshobs_direction direction)
{
	return &negotiation->sides[direction];
}

/* One record, in memory that ends where it ends. */
static void tell(const struct sshobs_wire *wire, const void *data)
{
	struct sshobs_wire *body = malloc(sizeof(*body) + wire->data_len);
	struct sshobs_hdr hdr = { .type = SSHOBS_WIRE, .time_ns = ++now };
	struct event event = { .hdr = &hdr, { .wire = body } };

	if (!body)
		abort();
	*body = *wire;
	body->net_ns = now - 1;
	memcpy(body->data, data, wire->data_len);
	event.data = body->data;
	if (negotiation_fold(&negotiation, &event))
		abort();
	free(body);
}

/* A line or message in pieces of @step bytes; of those from @lost on, only the last. */
static void say(enum sshobs_direction direction, const void *bytes, size_t len, size_t step,
		bool message, size_t lost)
{
	const unsigned char *data = bytes;
	size_t at;

	for (at = 0; at < len; at += step) {
		size_t piece = len - at < step ? len - at : step;
		struct sshobs_wire wire = {
			.offset = offsets[direction],
			.at = (uint32_t)at,
			.message_len = message && at + piece >= 4 ? (uint32_t)len : 0,
			.data_len = (uint32_t)piece,
			.direction = (unsigned char)direction,
			.message = message && at + piece >= 6 ? data[5] : 0,
			.flags = at + piece == len ? SSHOBS_WIRE_WHOLE : 0,
		};

		if (at < lost || at + piece == len)
			tell(&wire, data + at);
		offsets[direction] += piece;
	}
}

static void line(enum sshobs_direction direction, const char *text)
{
	say(direction, text, strlen(text), 4096, false, SIZE_MAX);
}

static void send_packet(enum sshobs_direction direction, const struct packet *packet)
{
	say(direction, packet->bytes, packet->len, 4096, true, SIZE_MAX);
}

static void kexinit(enum sshobs_direction direction, const char *const lists[10])
{
	struct packet packet;

	packet_kexinit(&packet, lists);
	send_packet(direction, &packet);
}

static bool is(struct name_list name, const char *want)
{
	return name.names && name.len == strlen(want) && memcmp(name.names, want, name.len) == 0;
}

static bool reads(const struct excerpt *excerpt, const char *want)
{
	return excerpt->len == excerpt->total && excerpt->len == strlen(want) &&
	       memcmp(excerpt->bytes, want, excerpt->len) == 0;
}

/* --- HASSH ------------------------------------------------------------------ */

/* Both with their fingerprints from the README of HASSH's reference implementation. */
static const char *const cyberduck[10] = {
	"curve25519-sha256@libssh.org,diffie-hellman-group-exchange-sha256,ecdh-sha2-nistp521,"
	"ecdh-sha2-nistp384,ecdh-sha2-nistp256,diffie-hellman-group-exchange-sha1,"
	"diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group14-sha256,"
	"diffie-hellman-group15-sha512,diffie-hellman-group16-sha512,"
	"diffie-hellman-group17-sha512,diffie-hellman-group18-sha512,"
	"diffie-hellman-group14-sha256@ssh.com,diffie-hellman-group15-sha256,"
	"diffie-hellman-group15-sha256@ssh.com,diffie-hellman-group15-sha384@ssh.com,"
	"diffie-hellman-group16-sha256,diffie-hellman-group16-sha384@ssh.com,"
	"diffie-hellman-group16-sha512@ssh.com,diffie-hellman-group18-sha512@ssh.com",
	"ssh-rsa",
	"aes128-cbc,aes128-ctr,aes192-cbc,aes192-ctr,aes256-cbc,aes256-ctr,blowfish-cbc,"
	"blowfish-ctr,cast128-cbc,cast128-ctr,idea-cbc,idea-ctr,serpent128-cbc,serpent128-ctr,"
	"serpent192-cbc,serpent192-ctr,serpent256-cbc,serpent256-ctr,3des-cbc,3des-ctr,"
	"twofish128-cbc,twofish128-ctr,twofish192-cbc,twofish192-ctr,twofish256-cbc,"
	"twofish256-ctr,twofish-cbc,arcfour,arcfour128,arcfour256",
	"not-in-a-hassh",
	"hmac-sha1,hmac-sha1-96,hmac-md5,hmac-md5-96,hmac-sha2-256,hmac-sha2-512",
	"not-in-a-hassh",
	"zlib@openssh.com,zlib,none",
	"not-in-a-hassh",
	"",
	"",
};

static const char *const openssh_5_3[10] = {
	"diffie-hellman-group-exchange-sha256,diffie-hellman-group-exchange-sha1,"
	"diffie-hellman-group14-sha1,diffie-hellman-group1-sha1",
	"ssh-rsa,ssh-dss",
	"not-in-a-hassh",
	"aes128-ctr,aes192-ctr,aes256-ctr,arcfour256,arcfour128,aes128-cbc,3des-cbc,"
	"blowfish-cbc,cast128-cbc,aes192-cbc,aes256-cbc,arcfour,rijndael-cbc@lysator.liu.se",
	"not-in-a-hassh",
	"hmac-md5,hmac-sha1,umac-64@openssh.com,hmac-ripemd160,hmac-ripemd160@openssh.com,"
	"hmac-sha1-96,hmac-md5-96",
	"not-in-a-hassh",
	"none,zlib@openssh.com",
	"",
	"",
};

static void test_hassh(void)
{
	begin();
	kexinit(SSHOBS_WIRE_IN, cyberduck);
	kexinit(SSHOBS_WIRE_OUT, openssh_5_3);
	result(strcmp(side_of(SSHOBS_WIRE_IN)->kexinit->hassh,
		      "8a8ae540028bf433cd68356c1b9e8d5b") == 0,
	       "hassh of Cyberduck 6.7.1 is the published one");
	result(strcmp(side_of(SSHOBS_WIRE_OUT)->kexinit->hassh,
		      "b1c6c0d56317555b85c7005a3de29325") == 0,
	       "hasshServer of OpenSSH 5.3 is the published one");
}

/* --- what is agreed on ------------------------------------------------------ */

static const char *const client_lists[10] = {
	"ext-info-c,kex-strict-c-v00@openssh.com,a-kex,b-kex,c-kex",
	"a-key,b-key",
	"a-cipher,aes256-gcm@openssh.com,b-cipher",
	"b-cipher,aes256-gcm@openssh.com",
	"a-mac,b-mac",
	"a-mac,b-mac",
	"none,zlib",
	"zlib,none",
	"",
	"",
};

static const char *const server_lists[10] = {
	/* A server that repeats what its client says must not come to an agreement by it. */
	"ext-info-c,kex-strict-c-v00@openssh.com,c-kex,b-kex,b-ke,b-kexx",
	"c-key",
	"aes256-gcm@openssh.com,b-cipher",
	"aes256-gcm@openssh.com,b-cipher",
	"b-mac",
	"b-mac",
	"zlib,none",
	"zlib,none",
	"",
	"",
};

static void test_agreed(void)
{
	const struct name_list *agreed;

	begin();
	kexinit(SSHOBS_WIRE_OUT, server_lists);
	result(!negotiation_settled(negotiation), "one KEXINIT agrees on nothing");
	kexinit(SSHOBS_WIRE_IN, client_lists);
	agreed = negotiation->agreed;
	result(negotiation_settled(negotiation) && is(agreed[LIST_KEX], "b-kex"),
	       "the first of the client's that the server has, and no marker");
	result(!agreed[LIST_HOST_KEY].names, "no common host key algorithm is none");
	result(is(agreed[LIST_CIPHER_C2S], "aes256-gcm@openssh.com") &&
		       is(agreed[LIST_MAC_C2S], "<implicit>") &&
		       is(agreed[LIST_COMPRESSION_C2S], "none"),
	       "client to server: the MAC comes with the cipher");
	result(is(agreed[LIST_CIPHER_S2C], "b-cipher") && is(agreed[LIST_MAC_S2C], "b-mac") &&
		       is(agreed[LIST_COMPRESSION_S2C], "zlib"),
	       "server to client: by lists of its own");
	kexinit(SSHOBS_WIRE_IN, cyberduck);
	result(is(agreed[LIST_KEX], "b-kex") && side_of(SSHOBS_WIRE_IN)->faults == SIDE_MALFORMED,
	       "a second KEXINIT changes nothing, and is told");
}

/* --- pieces, and what is missing -------------------------------------------- */

static bool same_lists(const struct kexinit *found, const char *const lists[10])
{
	unsigned int i;

	for (i = 0; found && i < 10; i++)
		if (!is(found->lists[i], lists[i]))
			return false;
	return found;
}

static void test_pieces(void)
{
	static const char version[] = "SSH-2.0-one_at_a_time\r\n";
	const struct side *client;
	struct packet packet;

	begin();
	packet_kexinit(&packet, client_lists);
	say(SSHOBS_WIRE_IN, version, strlen(version), 1, false, SIZE_MAX);
	say(SSHOBS_WIRE_IN, packet.bytes, packet.len, 1, true, SIZE_MAX);
	client = side_of(SSHOBS_WIRE_IN);
	result(reads(&client->version, "SSH-2.0-one_at_a_time") && !client->faults &&
		       same_lists(client->kexinit, client_lists),
	       "one byte at a time says the same");
	result(client->version_seen.time_ns == 1000 + strlen(version) &&
		       client->kexinit_seen.time_ns == 1000 + strlen(version) + packet.len &&
		       client->kexinit_seen.net_ns == client->kexinit_seen.time_ns - 1,
	       "it is seen when its last byte is");
	result(!client->unit, "what was put together is freed");

	begin();
	say(SSHOBS_WIRE_IN, packet.bytes, packet.len, 16, true, 64);
	client = side_of(SSHOBS_WIRE_IN);
	result(!client->kexinit && !client->kexinit_seen.time_ns && client->faults == SIDE_MISSING,
	       "a KEXINIT with a gap is unknown");
	packet_newkeys(&packet);
	send_packet(SSHOBS_WIRE_IN, &packet);
	result(client->newkeys_seen.time_ns == now, "what comes after the gap is known");

	begin();
	packet_kexinit(&packet, client_lists);
	tell(&(struct sshobs_wire){ .data_len = 16 }, packet.bytes);
	tell(&(struct sshobs_wire){ .offset = 1016,
				    .at = 16,
				    .message_len = (uint32_t)packet.len,
				    .data_len = (uint32_t)packet.len - 16,
				    .message = 20,
				    .flags = SSHOBS_WIRE_WHOLE },
	     packet.bytes + 16);
	result(!side_of(SSHOBS_WIRE_IN)->kexinit && side_of(SSHOBS_WIRE_IN)->faults == SIDE_MISSING,
	       "halves of two messages make none");

	begin();
	offsets[SSHOBS_WIRE_OUT] = 100;
	kexinit(SSHOBS_WIRE_OUT, server_lists);
	result(!side_of(SSHOBS_WIRE_OUT)->opening.total && !side_of(SSHOBS_WIRE_OUT)->version.len &&
		       side_of(SSHOBS_WIRE_OUT)->faults == SIDE_MISSING,
	       "without its first bytes, a version is unknown");
}

static void test_lines(void)
{
	const struct side *server;
	char text[1001];

	begin();
	line(SSHOBS_WIRE_OUT, "Be welcome\r\n");
	line(SSHOBS_WIRE_OUT, "not SSH-2.0-this\r\n");
	line(SSHOBS_WIRE_OUT, "SSH-2.0-that one\r\n");
	line(SSHOBS_WIRE_OUT, "SSH-2.0-nor this\r\n");
	server = side_of(SSHOBS_WIRE_OUT);
	result(reads(&server->version, "SSH-2.0-that one") && reads(&server->opening, "Be welcome"),
	       "lines before the version are not the version");

	begin();
	say(SSHOBS_WIRE_IN, "GET / HTTP/1.1\r\nHost: x", 23, 7, false, 20);
	result(reads(&side_of(SSHOBS_WIRE_IN)->opening, "GET / HTTP/1.1") &&
		       !side_of(SSHOBS_WIRE_IN)->version.len,
	       "a foreign client's first line is kept");

	begin();
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "SSH-2.0-", 8);
	text[sizeof(text) - 1] = '\0';
	line(SSHOBS_WIRE_IN, text);
	result(side_of(SSHOBS_WIRE_IN)->version.len == SSH_TEXT_MAX &&
		       side_of(SSHOBS_WIRE_IN)->version.total == sizeof(text) - 1,
	       "a version that is too long is cut");
}

static void test_foreign(void)
{
	static const unsigned char garbage[] = "\377\376\0\r\n";
	const struct side *client;

	begin();
	line(SSHOBS_WIRE_IN, "SSH-2.0-x\r\n");
	tell(&(struct sshobs_wire){ .offset = 11, .data_len = 2 }, garbage);
	tell(
		&(struct sshobs_wire){
			.offset = 13, .at = 2, .data_len = 3, .flags = SSHOBS_WIRE_FOREIGN },
		garbage + 2);
	client = side_of(SSHOBS_WIRE_IN);
	result(client->faults == SIDE_FOREIGN && client->foreign.len == 5 &&
		       memcmp(client->foreign.bytes, garbage, 5) == 0 && !client->unit,
	       "garbage after the version is kept from its first byte on");
	tell(&(struct sshobs_wire){ .offset = 16, .flags = SSHOBS_WIRE_CUT }, "");
	result(client->faults == (SIDE_FOREIGN | SIDE_CUT), "what is left out is told");
}

/* --- bounds ----------------------------------------------------------------- */

/* The same message with its payload cut to @payload bytes. */
static void send_cut(const struct packet *whole, size_t payload)
{
	struct packet packet;

	memcpy(packet.bytes, whole->bytes, 5 + payload);
	packet.len = 5 + payload;
	packet_end(&packet);
	send_packet(SSHOBS_WIRE_IN, &packet);
}

static void test_truncated(void)
{
	struct packet packet;
	bool good = true;
	size_t payload, n;

	packet_kexinit(&packet, client_lists);
	payload = packet.len - 5 - packet.bytes[4];
	for (n = 1; n <= payload; n++) {
		begin();
		send_cut(&packet, n);
		good = good && !side_of(SSHOBS_WIRE_IN)->kexinit == (n < payload) &&
		       (side_of(SSHOBS_WIRE_IN)->faults == SIDE_MALFORMED) == (n < payload);
	}
	result(good, "a KEXINIT that was cut at any byte is malformed, and only that");
}

static void test_lies(void)
{
	/* Where the length of the first list stands. */
	const size_t list = 6 + 16;
	struct packet packet;
	bool good = true;
	uint32_t length;

	for (length = UINT32_MAX; length > 2; length /= 2) {
		begin();
		packet_kexinit(&packet, client_lists);
		packet_u32(packet.bytes + list, length);
		send_packet(SSHOBS_WIRE_IN, &packet);
		good = good && !side_of(SSHOBS_WIRE_IN)->kexinit;
	}
	result(good, "a list that claims another length is malformed");
	good = true;
	for (length = UINT32_MAX; length > 2; length /= 2) {
		begin();
		packet_kexinit(&packet, client_lists);
		packet_u32(packet.bytes, length);
		send_packet(SSHOBS_WIRE_IN, &packet);
		good = good && !side_of(SSHOBS_WIRE_IN)->kexinit;
	}
	result(good, "a message that claims another length is malformed");
	good = true;
	for (length = 0; length <= 5; length++) {
		begin();
		packet_newkeys(&packet);
		packet.bytes[4] = (unsigned char)(packet.len - length);
		send_packet(SSHOBS_WIRE_IN, &packet);
		good = good && !side_of(SSHOBS_WIRE_IN)->newkeys_seen.time_ns;
	}
	result(good, "padding that leaves no room for a message is malformed");
}

static void test_long(void)
{
	static const char block[1024];
	struct sshobs_wire wire = { .message_len = 200000, .message = 20, .data_len = 1024 };
	size_t most = 0;

	begin();
	while (wire.at < 200000) {
		tell(&wire, block);
		if (side_of(SSHOBS_WIRE_IN)->unit_len > most)
			most = side_of(SSHOBS_WIRE_IN)->unit_len;
		wire.at += wire.data_len;
		wire.offset += wire.data_len;
	}
	result(most == SSH_UNIT_MAX && side_of(SSHOBS_WIRE_IN)->faults == SIDE_LONG &&
		       !side_of(SSHOBS_WIRE_IN)->unit,
	       "a message of 200 kB is put together up to 64 KiB, and dropped");
}

static void test_disconnect(void)
{
	const struct disconnect *disconnect;
	struct packet packet;
	char text[1001];

	begin();
	packet_disconnect(&packet, 3, "no common algorithm");
	send_packet(SSHOBS_WIRE_OUT, &packet);
	disconnect = &side_of(SSHOBS_WIRE_OUT)->disconnect;
	result(disconnect->reason == 3 && disconnect->seen.time_ns == now &&
		       reads(&disconnect->text, "no common algorithm"),
	       "a DISCONNECT has its reason and its text");

	begin();
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	packet_disconnect(&packet, 2, text);
	send_packet(SSHOBS_WIRE_OUT, &packet);
	disconnect = &side_of(SSHOBS_WIRE_OUT)->disconnect;
	result(disconnect->text.len == SSH_TEXT_MAX && disconnect->text.total == 1000,
	       "a text that is too long is cut");

	begin();
	packet_disconnect(&packet, 2, "x");
	packet_u32(packet.bytes + 10, 1000);
	send_packet(SSHOBS_WIRE_OUT, &packet);
	disconnect = &side_of(SSHOBS_WIRE_OUT)->disconnect;
	result(disconnect->reason == 2 && !disconnect->text.total &&
		       side_of(SSHOBS_WIRE_OUT)->faults == SIDE_MALFORMED,
	       "a text that claims another length is none");
}

int main(void)
{
	test_hassh();
	test_agreed();
	test_pieces();
	test_lines();
	test_foreign();
	test_truncated();
	test_lies();
	test_long();
	test_disconnect();
	negotiation_free(negotiation);
	printf("1..%u\n", count);
	return failed ? 1 : 0;
}
