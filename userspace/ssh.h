/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What both sides of an SSH connection say before it is encrypted (RFC 4253).
 *
 * Pure: SSHOBS_WIRE events of one session fold into its negotiation. Both sides
 * are strangers, and one of them may be an enemy: every length that they send is
 * checked, and what is kept of a session is bounded. Where bytes are missing, what
 * they would have told stays unknown.
 */
#ifndef _SSHOBS_SSH_H
#define _SSHOBS_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

/* Bytes that are kept of a line or of a text; RFC 4253 ends a version at 255. */
#define SSH_TEXT_MAX   255
/* The longest message that is put together; no peer needs more for a KEXINIT. */
#define SSH_UNIT_MAX   65536
/* Digits of an MD5, and a NUL. */
#define SSH_HASSH_SIZE 33

/**
 * struct sighting - when something was seen
 * @time_ns: CLOCK_MONOTONIC time of its last record; 0: it was not seen
 * @net_ns: when the network saw it; see struct sshobs_wire
 */
struct sighting {
	uint64_t time_ns;
	uint64_t net_ns;
};

/**
 * struct excerpt - the beginning of a text that a side sent; escape it
 * @bytes: anything
 * @len: bytes of @bytes
 * @total: bytes that the text has; more than @len: it was cut
 */
struct excerpt {
	unsigned char bytes[SSH_TEXT_MAX];
	uint32_t len;
	uint32_t total;
};

/**
 * struct name_list - names, with commas between them; escape them
 * @names: the bytes; NULL: not known, or none that both sides have
 * @len: how many
 */
struct name_list {
	const unsigned char *names;
	uint32_t len;
};

/* The lists of a KEXINIT, in its order; c2s is from the client to the server. */
enum kexinit_list {
	LIST_KEX,
	LIST_HOST_KEY,
	LIST_CIPHER_C2S,
	LIST_CIPHER_S2C,
	LIST_MAC_C2S,
	LIST_MAC_S2C,
	LIST_COMPRESSION_C2S,
	LIST_COMPRESSION_S2C,
	N_AGREED, /* languages are not agreed on */
	LIST_LANGUAGE_C2S = N_AGREED,
	LIST_LANGUAGE_S2C,
	N_KEXINIT_LISTS,
};

/**
 * struct kexinit - what a side offers (RFC 4253, section 7.1)
 * @lists: by enum kexinit_list, best first; they lie in @payload
 * @first_kex_packet_follows: a guessed key exchange message comes next
 * @hassh: fingerprint of the side's software: hassh of a client, hasshServer of a
 *	server
 * @payload: the message
 */
struct kexinit {
	struct name_list lists[N_KEXINIT_LISTS];
	bool first_kex_packet_follows;
	char hassh[SSH_HASSH_SIZE];
	unsigned char payload[];
};

/**
 * struct disconnect - a DISCONNECT that came in clear text
 * @seen: when
 * @reason: SSH_DISCONNECT_*
 * @text: its description
 */
struct disconnect {
	struct sighting seen;
	uint32_t reason;
	struct excerpt text;
};

/* struct side.faults */
/* Bytes of it are not in the stream. */
#define SIDE_MISSING   (1U << 0)
/* Clear text follows that the module did not tell. */
#define SIDE_CUT       (1U << 1)
/* It sent what has no framing of SSH; the last of it that is told. */
#define SIDE_FOREIGN   (1U << 2)
/* It sent a line or a message that RFC 4253 does not allow. */
#define SIDE_MALFORMED (1U << 3)
/* It sent a line or a message longer than SSH_UNIT_MAX, which was not read. */
#define SIDE_LONG      (1U << 4)

/**
 * struct side - what one side sent
 * @opening: its first line, as far as it is known, without an end of line
 * @opening_whole: the end of that line was seen
 * @version: the line that begins with "SSH-"; len 0: not seen. What comes before
 *	it is not the version
 * @version_seen: when
 * @kexinit: what it offers; NULL: not seen, or malformed
 * @kexinit_seen: when, also if it was malformed
 * @newkeys_seen: when it turned encryption on
 * @disconnect: valid if @disconnect.seen
 * @foreign: with SIDE_FOREIGN, where that begins
 * @faults: SIDE_*
 * @unit: the line or message that is being put together, or NULL
 * @unit_len: bytes of it
 * @next_offset: where the next record should begin
 */
struct side {
	struct excerpt opening;
	bool opening_whole;
	struct excerpt version;
	struct sighting version_seen;
	struct kexinit *kexinit;
	struct sighting kexinit_seen;
	struct sighting newkeys_seen;
	struct disconnect disconnect;
	struct excerpt foreign;
	uint32_t faults;
	unsigned char *unit;
	size_t unit_len;
	uint64_t next_offset;
};

/**
 * struct negotiation - the clear text of one session
 * @sides: who sent it, by enum sshobs_direction: the client is SSHOBS_WIRE_IN
 * @agreed: what follows from both KEXINITs, by enum kexinit_list; valid once both
 *	sides have theirs. A MAC that the cipher brings along is "<implicit>", as
 *	ssh(1) calls it
 */
struct negotiation {
	struct side sides[2];
	struct name_list agreed[N_AGREED];
};

/**
 * negotiation_fold() - take one event into account
 * @out: the session's; NULL before its first event. negotiation_free() it
 * @event: the next SSHOBS_WIRE event of the session
 *
 * Return: 0 or -ENOMEM.
 */
int negotiation_fold(struct negotiation **out, const struct event *event);

/** negotiation_free() - free it; NULL is fine */
void negotiation_free(struct negotiation *negotiation);

/** negotiation_settled() - whether both KEXINITs, and so @agreed, are known */
bool negotiation_settled(const struct negotiation *negotiation);

/** side_fault_name() - short name of a bit of side->faults, or NULL */
const char *side_fault_name(unsigned int bit);

/** disconnect_name() - RFC 4250's name of a reason without SSH_DISCONNECT_, or NULL */
const char *disconnect_name(uint32_t reason);

#endif /* _SSHOBS_SSH_H */
