// SPDX-License-Identifier: GPL-2.0
/*
 * Clear text of a connection: banners, KEXINITs and whatever else two strangers say, through
 * userspace/ssh.c and its views.
 *
 * An input is a sequence of records: a byte that says what kind of record (see below), two with
 * its length, and what the side said.
 */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/json_build.h"
#include "../../userspace/ssh.h"
#include "../../userspace/view_negotiation.h"
#include "fuzz.h"

/* The byte: its direction, bits 1 to 4 are SSHOBS_WIRE_*, and: */
#define IS_MESSAGE 0x20
#define AFTER_GAP  0x40
#define ELSEWHERE  0x80

/* How far each side has come: bytes in all, and of the line or message. */
struct talk {
	uint64_t offset[2];
	uint32_t at[2];
};

static void tell(struct negotiation **negotiation, struct talk *talk, struct input *input,
		 uint64_t now)
{
	unsigned int kind = (unsigned int)input_number(input, 1), direction = kind & 1;
	size_t len = input_number(input, 2);
	void *said = input_bytes(input, &len);
	struct sshobs_wire *wire = malloc(sizeof(*wire) + len);
	struct sshobs_hdr hdr = { .type = SSHOBS_WIRE, .time_ns = now };
	struct event event = { .hdr = &hdr, { .wire = wire } };

	if (!wire)
		abort();
	if (kind & AFTER_GAP)
		talk->offset[direction] += 100;
	*wire = (struct sshobs_wire){
		.offset = talk->offset[direction],
		.net_ns = now - 1,
		.at = kind & ELSEWHERE ? 100 : talk->at[direction],
		.message_len = kind & IS_MESSAGE ? 100 : 0,
		.data_len = (uint32_t)len,
		.direction = (unsigned char)direction,
		.flags = kind >> 1 & 15,
	};
	memcpy(wire->data, said, len);
	event.data = wire->data;
	talk->offset[direction] += len;
	talk->at[direction] = wire->flags ? 0 : talk->at[direction] + (uint32_t)len;
	if (negotiation_fold(negotiation, &event))
		abort();
	free(wire);
	free(said);
}

static void view(const struct negotiation *negotiation)
{
	struct json_object *object = json_object_new_object();

	out_begin();
	if (view_negotiation(negotiation, true))
		abort();
	free(out_end(NULL));
	out_begin();
	json_add_negotiation(object, negotiation);
	json_print(object);
	out_end_json();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct negotiation *negotiation = NULL;
	struct talk talk = { 0 };
	uint64_t now = 1000;

	while (input.left)
		tell(&negotiation, &talk, &input, now++);
	if (negotiation)
		view(negotiation);
	negotiation_free(negotiation);
	return 0;
}
