// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <md5.h>
#include <stdlib.h>
#include <string.h>

#include "ssh.h"

/* The messages that are read (RFC 4250, section 4.1.2). */
#define MSG_DISCONNECT 1
#define MSG_KEXINIT    20
#define MSG_NEWKEYS    21

/* After a record with one of these, the line or message does not go on. */
#define ENDS_UNIT (SSHOBS_WIRE_WHOLE | SSHOBS_WIRE_LAST | SSHOBS_WIRE_FOREIGN | SSHOBS_WIRE_CUT)

/* A random number that a KEXINIT begins with. */
#define COOKIE_SIZE 16

/* Bytes that are read from the front. */
struct cursor {
	const unsigned char *bytes;
	size_t left;
};

static bool take(struct cursor *cursor, size_t len, const unsigned char **bytes)
{
	if (len > cursor->left)
		return false;
	*bytes = cursor->bytes;
	cursor->bytes += len;
	cursor->left -= len;
	return true;
}

static bool take_u32(struct cursor *cursor, uint32_t *number)
{
	const unsigned char *b;

	if (!take(cursor, 4, &b))
		return false;
	*number = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return true;
}

static bool take_string(struct cursor *cursor, const unsigned char **bytes, uint32_t *len)
{
	return take_u32(cursor, len) && take(cursor, *len, bytes);
}

static void add_text(struct excerpt *text, const unsigned char *bytes, size_t len)
{
	size_t room = SSH_TEXT_MAX - text->len;
	size_t kept = len < room ? len : room;

	memcpy(text->bytes + text->len, bytes, kept);
	text->len += (uint32_t)kept;
	text->total += (uint32_t)len;
}

static struct sighting sighting_of(const struct event *event)
{
	return (struct sighting){ event->hdr->time_ns, event->wire->net_ns };
}

/* Take the first name from a list. Return false if the list is empty. */
static bool next_name(struct name_list *list, struct name_list *name)
{
	const unsigned char *comma;

	if (!list->len)
		return false;
	comma = memchr(list->names, ',', list->len);
	name->names = list->names;
	name->len = comma ? (uint32_t)(comma - list->names) : list->len;
	list->names += name->len + (comma ? 1 : 0);
	list->len -= name->len + (comma ? 1 : 0);
	return true;
}

static bool same_name(struct name_list a, struct name_list b)
{
	return a.len == b.len && memcmp(a.names, b.names, a.len) == 0;
}

static bool has_name(struct name_list list, struct name_list name)
{
	struct name_list other;

	while (next_name(&list, &other))
		if (same_name(other, name))
			return true;
	return false;
}

static bool begins_with(struct name_list name, const char *prefix)
{
	size_t len = strlen(prefix);

	return name.len >= len && memcmp(name.names, prefix, len) == 0;
}

/* They stand among the key exchanges and say what their side is capable of. */
static bool is_marker(struct name_list name)
{
	return begins_with(name, "ext-info-") || begins_with(name, "kex-strict-");
}

/* The first of the client's that the server has. */
static struct name_list agree(struct name_list client, struct name_list server)
{
	struct name_list name;

	while (next_name(&client, &name))
		if (name.len && !is_marker(name) && has_name(server, name))
			return name;
	return (struct name_list){ NULL, 0 };
}

static struct name_list name_of(const char *string)
{
	return (struct name_list){ (const unsigned char *)string, (uint32_t)strlen(string) };
}

/* Ciphers that authenticate what they encrypt: a MAC is not agreed on. */
static bool is_aead(struct name_list cipher)
{
	static const char *const names[] = {
		"chacha20-poly1305@openssh.com",
		"aes128-gcm@openssh.com",
		"aes256-gcm@openssh.com",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (same_name(cipher, name_of(names[i])))
			return true;
	return false;
}

bool negotiation_settled(const struct negotiation *negotiation)
{
	return negotiation->sides[SSHOBS_WIRE_IN].kexinit &&
	       negotiation->sides[SSHOBS_WIRE_OUT].kexinit;
}

static void settle(struct negotiation *negotiation)
{
	const struct kexinit *client = negotiation->sides[SSHOBS_WIRE_IN].kexinit;
	const struct kexinit *server = negotiation->sides[SSHOBS_WIRE_OUT].kexinit;
	struct name_list *agreed = negotiation->agreed;
	unsigned int i;

	for (i = 0; i < N_AGREED; i++)
		agreed[i] = agree(client->lists[i], server->lists[i]);
	if (is_aead(agreed[LIST_CIPHER_C2S]))
		agreed[LIST_MAC_C2S] = name_of("<implicit>");
	if (is_aead(agreed[LIST_CIPHER_S2C]))
		agreed[LIST_MAC_S2C] = name_of("<implicit>");
}

/* HASSH: MD5 of the lists that concern what the side itself sends. */
static void fill_hassh(struct kexinit *kexinit, unsigned int direction)
{
	const enum kexinit_list lists[] = {
		LIST_KEX,
		LIST_CIPHER_C2S + direction,
		LIST_MAC_C2S + direction,
		LIST_COMPRESSION_C2S + direction,
	};
	MD5_CTX md5;
	size_t i;

	MD5Init(&md5);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (i)
			MD5Update(&md5, (const uint8_t *)";", 1);
		MD5Update(&md5, kexinit->lists[lists[i]].names, kexinit->lists[lists[i]].len);
	}
	MD5End(&md5, kexinit->hassh);
}

/* Find the lists in the payload. What a later version may add behind is not read. */
static bool parse_kexinit(struct kexinit *kexinit, size_t size)
{
	struct cursor cursor = { kexinit->payload, size };
	const unsigned char *bytes;
	uint32_t reserved;
	unsigned int i;

	if (!take(&cursor, 1 + COOKIE_SIZE, &bytes))
		return false;
	for (i = 0; i < N_KEXINIT_LISTS; i++)
		if (!take_string(&cursor, &kexinit->lists[i].names, &kexinit->lists[i].len))
			return false;
	if (!take(&cursor, 1, &bytes))
		return false;
	kexinit->first_kex_packet_follows = *bytes;
	return take_u32(&cursor, &reserved);
}

/* Only the first one counts: a second in clear text is against the protocol. */
static int fold_kexinit(struct side *side, const struct event *event, struct cursor payload)
{
	struct kexinit *kexinit;

	if (side->kexinit || side->kexinit_seen.time_ns) {
		side->faults |= SIDE_MALFORMED;
		return 0;
	}
	kexinit = malloc(sizeof(*kexinit) + payload.left);
	if (!kexinit)
		return -ENOMEM;
	memcpy(kexinit->payload, payload.bytes, payload.left);
	side->kexinit_seen = sighting_of(event);
	if (!parse_kexinit(kexinit, payload.left)) {
		side->faults |= SIDE_MALFORMED;
		free(kexinit);
		return 0;
	}
	fill_hassh(kexinit, event->wire->direction);
	side->kexinit = kexinit;
	return 0;
}

static void fold_disconnect(struct side *side, const struct event *event, struct cursor payload)
{
	struct disconnect *disconnect = &side->disconnect;
	const unsigned char *bytes;
	uint32_t len;

	if (disconnect->seen.time_ns)
		return;
	if (!take(&payload, 1, &bytes) || !take_u32(&payload, &disconnect->reason)) {
		side->faults |= SIDE_MALFORMED;
		return;
	}
	disconnect->seen = sighting_of(event);
	if (take_string(&payload, &bytes, &len))
		add_text(&disconnect->text, bytes, len);
	else
		side->faults |= SIDE_MALFORMED;
}

/* Find what a message carries between its lengths and its padding. */
static bool open_message(struct cursor message, struct cursor *payload)
{
	const unsigned char *padding;
	uint32_t len;

	if (!take_u32(&message, &len) || len != message.left || !take(&message, 1, &padding))
		return false;
	if (*padding >= message.left)
		return false;
	payload->left = message.left - *padding;
	return take(&message, payload->left, &payload->bytes);
}

static int fold_message(struct side *side, const struct event *event, struct cursor message)
{
	struct cursor payload;

	if (!open_message(message, &payload)) {
		side->faults |= SIDE_MALFORMED;
		return 0;
	}
	switch (*payload.bytes) {
	case MSG_DISCONNECT:
		fold_disconnect(side, event, payload);
		break;
	case MSG_KEXINIT:
		return fold_kexinit(side, event, payload);
	case MSG_NEWKEYS:
		if (!side->newkeys_seen.time_ns)
			side->newkeys_seen = sighting_of(event);
		break;
	}
	return 0;
}

static bool is_line_end(unsigned char byte)
{
	return byte == '\r' || byte == '\n';
}

static void fold_line(struct side *side, const struct event *event, struct cursor line)
{
	while (line.left && is_line_end(line.bytes[line.left - 1]))
		line.left--;
	if (side->version.len || line.left < 4 || memcmp(line.bytes, "SSH-", 4) != 0)
		return;
	add_text(&side->version, line.bytes, line.left);
	side->version_seen = sighting_of(event);
}

/* The first line is known as far as the bytes from the very first on are. */
static void fold_opening(struct side *side, const struct event *event)
{
	struct excerpt *opening = &side->opening;
	size_t len = event->wire->data_len;
	const unsigned char *end;

	if (side->opening_whole || event->wire->offset != opening->total)
		return;
	end = memchr(event->data, '\n', len);
	add_text(opening, event->data, end ? (size_t)(end - event->data) : len);
	side->opening_whole = end;
	if (end && opening->len == opening->total && opening->len &&
	    opening->bytes[opening->len - 1] == '\r') {
		opening->len--;
		opening->total--;
	}
}

static void drop_unit(struct side *side)
{
	free(side->unit);
	side->unit = NULL;
	side->unit_len = 0;
}

/*
 * Put the pieces of a line or message together. @unit becomes what there is of it
 * until now; empty if its beginning is missing or it is too long.
 */
static int add_piece(struct side *side, const struct event *event, struct cursor *unit)
{
	const struct sshobs_wire *wire = event->wire;
	bool follows = wire->offset == side->next_offset;
	unsigned char *bytes;

	if (!follows)
		side->faults |= SIDE_MISSING;
	side->next_offset = wire->offset + wire->data_len;
	if (!wire->at)
		drop_unit(side);
	if (wire->at != side->unit_len || (wire->at && !follows)) {
		drop_unit(side);
		return 0;
	}
	if (wire->data_len > SSH_UNIT_MAX - side->unit_len) {
		side->faults |= SIDE_LONG;
		drop_unit(side);
		return 0;
	}
	bytes = realloc(side->unit, side->unit_len + wire->data_len + 1);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes + side->unit_len, event->data, wire->data_len);
	side->unit = bytes;
	side->unit_len += wire->data_len;
	*unit = (struct cursor){ bytes, side->unit_len };
	return 0;
}

static int fold_unit(struct side *side, const struct event *event, struct cursor unit)
{
	const struct sshobs_wire *wire = event->wire;

	if (wire->flags & SSHOBS_WIRE_FOREIGN) {
		side->faults |= SIDE_FOREIGN;
		add_text(&side->foreign, unit.bytes, unit.left);
		return 0;
	}
	if (!(wire->flags & SSHOBS_WIRE_WHOLE) || !unit.left)
		return 0;
	if (wire->message_len)
		return fold_message(side, event, unit);
	fold_line(side, event, unit);
	return 0;
}

int negotiation_fold(struct negotiation **out, const struct event *event)
{
	const struct sshobs_wire *wire = event->wire;
	struct cursor unit = { (const unsigned char *)"", 0 };
	struct side *side;
	bool settled;
	int err;

	if (wire->direction > SSHOBS_WIRE_OUT)
		return 0;
	if (!*out)
		*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	settled = negotiation_settled(*out);
	side = &(*out)->sides[wire->direction];
	fold_opening(side, event);
	err = add_piece(side, event, &unit) ?: fold_unit(side, event, unit);
	if (wire->flags & SSHOBS_WIRE_CUT)
		side->faults |= SIDE_CUT;
	if (wire->flags & ENDS_UNIT)
		drop_unit(side);
	if (!settled && negotiation_settled(*out))
		settle(*out);
	return err;
}

void negotiation_free(struct negotiation *negotiation)
{
	unsigned int i;

	if (!negotiation)
		return;
	for (i = 0; i < 2; i++) {
		drop_unit(&negotiation->sides[i]);
		free(negotiation->sides[i].kexinit);
	}
	free(negotiation);
}

const char *side_fault_name(unsigned int bit)
{
	static const char *const names[] = { "missing", "cut", "foreign", "malformed", "long" };

	return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : NULL;
}

const char *disconnect_name(uint32_t reason)
{
	static const char *const names[] = {
		[1] = "HOST_NOT_ALLOWED_TO_CONNECT",
		[2] = "PROTOCOL_ERROR",
		[3] = "KEY_EXCHANGE_FAILED",
		[4] = "RESERVED",
		[5] = "MAC_ERROR",
		[6] = "COMPRESSION_ERROR",
		[7] = "SERVICE_NOT_AVAILABLE",
		[8] = "PROTOCOL_VERSION_NOT_SUPPORTED",
		[9] = "HOST_KEY_NOT_VERIFIABLE",
		[10] = "CONNECTION_LOST",
		[11] = "BY_APPLICATION",
		[12] = "TOO_MANY_CONNECTIONS",
		[13] = "AUTH_CANCELLED_BY_USER",
		[14] = "NO_MORE_AUTH_METHODS_AVAILABLE",
		[15] = "ILLEGAL_USER_NAME",
	};

	return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : NULL;
}
