/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the capture are made with; one record after the other, in the
 * order of time.
 */
#ifndef _SSHOBS_GOLDEN_MAKE_CAPTURE_H
#define _SSHOBS_GOLDEN_MAKE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "../../uapi/sshobs.h"

/* CLOCK_MONOTONIC time of the next record. */
extern uint64_t now;

/** after_us() - let time go by */
void after_us(uint64_t us);

/** on() - say which session and which task the next records are about; 0: none */
void on(uint64_t session, uint32_t pid, const char *comm);

/**
 * put() - write a record
 * @type: enum sshobs_type
 * @cpu_us: CPU time that the task had consumed
 * @body: the fixed part of its body
 * @size: bytes of @body
 * @data: what follows it
 * @data_size: bytes of @data
 */
void put(unsigned int type, uint64_t cpu_us, const void *body, size_t size, const void *data,
	 size_t data_size);

/** ipv4() - a port of 203.0.113.@last */
struct sshobs_endpoint ipv4(unsigned int last, unsigned int port);

/** accept_from() - write an accept or adopt; @start: 0: now */
void accept_from(struct sshobs_endpoint peer, struct sshobs_endpoint local, unsigned int type,
		 uint64_t start);

/** closes() - write a close; with @flags, after some retransmits */
void closes(struct sshobs_endpoint peer, uint64_t in, uint64_t sent, uint32_t flags);

/** ends() - write an end */
void ends(uint64_t duration, uint32_t processes, uint32_t execs, uint32_t flags,
	  uint32_t incomplete);

/** negotiations() - write the sessions of make-negotiation.c */
void negotiations(void);

#endif /* _SSHOBS_GOLDEN_MAKE_CAPTURE_H */
