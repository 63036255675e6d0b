/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text that a user or the network controls, made safe for a terminal.
 */
#ifndef _SSHOBS_ESCAPE_H
#define _SSHOBS_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * utf8_decode() - take one character
 * @bytes: where it begins
 * @len: bytes that are there, at least 1
 * @point: out: its code point
 *
 * Return: its length, or 0 if the bytes are not valid UTF-8 (too long a form, a
 * surrogate and what lies beyond U+10FFFF are not).
 */
size_t utf8_decode(const unsigned char *bytes, size_t len, uint32_t *point);

/**
 * utf8_is_harmless() - whether a terminal and an eye may see a character
 * @point: code point
 *
 * Controls, C1 controls, what turns the direction of writing, and what has no
 * visible form are not.
 */
bool utf8_is_harmless(uint32_t point);

/**
 * escape_put() - print bytes, with whatever is not harmless as C would write it
 * @out: where to
 * @bytes: anything
 * @len: how many
 */
void escape_put(FILE *out, const void *bytes, size_t len);

/** escape_string() - escape_put() for a string */
void escape_string(FILE *out, const char *s);

/**
 * escape_word() - print bytes as one word, quoted as a shell would want it
 * @out: where to
 * @bytes: anything
 * @len: how many
 */
void escape_word(FILE *out, const void *bytes, size_t len);

/**
 * escape_argv() - print arguments as a command line
 * @out: where to
 * @argv: arguments, each one with a NUL; the last may lack it
 * @len: bytes of @argv
 */
void escape_argv(FILE *out, const void *argv, size_t len);

#endif /* _SSHOBS_ESCAPE_H */
