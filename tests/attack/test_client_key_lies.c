/* SPDX-License-Identifier: ISC */
/*
 * An attacker who owns relay asks certd for what its key must not sign, and for other keys; one who
 * owns certd sends relay certificates that are none. Neither gets anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/proto/relay_certd.h"
#include "tests/attack/house.h"
#include "tests/unit/made_transcript.h"

#define ECDSA_P256 0x0403 /* ecdsa_secp256r1_sha256, RFC 8446 4.2.3 */

static struct house_child certd;
static int channel;
static uint32_t key;
static uint8_t chain[CERT_CHAIN_MAX];
static size_t chain_length;

/* -- Relay lies to certd -------------------------------------------------------------------------
 */

static void
open_channel(void)
{
	struct ipc_message message;
	int seen = 0;

	channel = house_relay_to_certd(&certd);
	do {
		assert_int_equal(
		    house_receive(channel, &relay_certd_boundary, IPC_CLIENT, &message), 1);
		if (message.type == RC_CERTIFICATE) {
			key = ((const struct gc_certificate *)message.body)->key;
			memcpy(chain, message.tail, message.tail_length);
			chain_length = message.tail_length;
			seen++;
		}
	} while (message.type != RC_READY);
	assert_int_equal(seen, 1);
}

static void
start(void)
{
	certd = house_certd();
	open_channel();
}

static void
end(void)
{
	close(channel);
	house_end(&certd);
}

/* True if certd signed it; a channel that is cut is opened anew. */
static bool
is_signed(uint16_t type, const void *body, size_t size, const void *tail, size_t length)
{
	struct ipc_message message;

	assert_int_equal(ipc_send_fd(channel, type, 5, body, size, tail, length, -1), 0);
	if (!house_receive(channel, &relay_certd_boundary, IPC_CLIENT, &message)) {
		close(channel);
		open_channel();
		return false;
	}
	assert_int_equal(message.id, 5);
	assert_true(message.type == RC_SIGNED || message.type == RC_REFUSED);
	return message.type == RC_SIGNED;
}

static bool
tls13_signed(uint32_t handle, uint16_t scheme, uint16_t hash_length, uint8_t last)
{
	struct rc_tls13_client request = {
	    .key = handle, .scheme = scheme, .hash_length = hash_length};

	request.hash[TRANSCRIPT_HASH_MAX - 1] = last;
	return is_signed(RC_TLS13_CLIENT, &request, sizeof(request), NULL, 0);
}

static bool
tls12_signed(uint32_t handle, const void *bytes, size_t length)
{
	const struct rc_tls12_client request = {.key = handle, .scheme = ECDSA_P256};

	return is_signed(RC_TLS12_CLIENT, &request, sizeof(request), bytes, length);
}

static void
tls13_lies(void **state)
{
	static const uint16_t lengths[] = {0, 1, 20, 31, 33, 47, 49, 64, 65535};
	static const uint16_t schemes[] = {0,      0x0201, 0x0203, 0x0401,
					   0x0503, 0x0804, 0x0807, 0xffff};

	(void)state;
	start();
	assert_true(tls13_signed(key, ECDSA_P256, 32, 0));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		assert_false(tls13_signed(key, ECDSA_P256, lengths[i], 0));
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		assert_false(tls13_signed(key, schemes[i], 32, 0));
	assert_false(tls13_signed(key, ECDSA_P256, 32, 1)); /* behind the hash */
	end();
}

/* What is no handshake of a client that shows this certificate is not signed, whatever it is. */
static void
tls12_lies(void **state)
{
	static const char dkim[] = "from:alice@example.org\r\nto:bob@example.net\r\n"
				   "dkim-signature:v=1; a=rsa-sha256; d=example.org; s=a; b=";
	static uint8_t bytes[MADE_MAX], server[64 + 34 + 32], other[CERT_CHAIN_MAX];
	struct made_plan plan = made_usual();
	size_t length;

	(void)state;
	start();
	length = made_transcript(bytes, &plan, chain, chain_length);
	assert_true(tls12_signed(key, bytes, length));
	/* Digests, a server's CertificateVerify and ServerKeyExchange, mail, a certificate. */
	assert_false(tls12_signed(key, bytes, 0));
	assert_false(tls12_signed(key, bytes, 20));
	assert_false(tls12_signed(key, bytes, 32));
	assert_false(tls12_signed(key, bytes, 48));
	memset(server, 0x20, sizeof(server));
	memcpy(server + 64, "TLS 1.3, server CertificateVerify", 34);
	assert_false(tls12_signed(key, server, sizeof(server)));
	memset(server, 1, 64);
	memcpy(server + 64, "\x03\x00\x1d\x20", 4);
	assert_false(tls12_signed(key, server, 68 + 32));
	assert_false(tls12_signed(key, dkim, sizeof(dkim) - 1));
	assert_false(tls12_signed(key, chain, chain_length));
	/* A part of it, more than it, another's certificate in it. */
	for (size_t cut = 0; cut < length; cut += 41)
		assert_false(tls12_signed(key, bytes, cut));
	assert_false(tls12_signed(key, bytes, length + 1));
	memcpy(other, chain, chain_length);
	other[chain_length - 1] ^= 1;
	length = made_transcript(bytes, &plan, other, chain_length);
	assert_false(tls12_signed(key, bytes, length));
	length = made_transcript(bytes, &plan, chain, 0);
	assert_false(tls12_signed(key, bytes, length));
	plan.version = 0x0301;
	length = made_transcript(bytes, &plan, chain, chain_length);
	assert_false(tls12_signed(key, bytes, length));
	end();
}

/* No number reaches a key that is not relay's: not a server's, and none that signs mail. */
static void
other_keys(void **state)
{
	static uint8_t bytes[MADE_MAX];
	struct made_plan plan = made_usual();
	size_t length;

	(void)state;
	start();
	length = made_transcript(bytes, &plan, chain, chain_length);
	for (uint32_t handle = 0; handle < 1000; handle++) {
		if (handle == key)
			continue;
		assert_false(tls13_signed(handle, ECDSA_P256, 32, 0));
		assert_false(tls12_signed(handle, bytes, length));
	}
	assert_false(tls13_signed(UINT32_MAX, ECDSA_P256, 32, 0));
	assert_false(tls13_signed(key | 1u << 16, ECDSA_P256, 32, 0));
	end();
}

/* What is asked for as a server has no name here, whichever number it is given. */
static void
as_a_server(void **state)
{
	struct gc_tls13_server tls13 = {.scheme = ECDSA_P256, .hash_length = 32};
	struct gc_tls12_server tls12 = {.scheme = ECDSA_P256, .curve = 29, .point_length = 32};

	(void)state;
	start();
	for (uint16_t type = 0; type < 64; type++) {
		tls13.key = tls12.key = key;
		assert_false(is_signed(type, &tls13, sizeof(tls13), NULL, 0));
		assert_false(is_signed(type, &tls12, sizeof(tls12), NULL, 0));
	}
	end();
}

static void
without_an_id(void **state)
{
	struct rc_tls13_client request = {.scheme = ECDSA_P256, .hash_length = 32};

	(void)state;
	start();
	request.key = key;
	assert_int_equal(
	    ipc_send_fd(channel, RC_TLS13_CLIENT, 0, &request, sizeof(request), NULL, 0, -1), 0);
	house_must_be_cut(channel);
	open_channel();
	end();
}

/* A gate of listeners that take any key has all but relay's. */
static void
a_gate_asks_for_relays_key(void **state)
{
	struct gc_tls13_server request = {.scheme = ECDSA_P256, .hash_length = 32};
	struct ipc_message message;
	uint32_t own = 0;
	int gate;

	(void)state;
	start();
	gate = house_gate_to_certd_by_host(&certd, "localhost");
	do {
		assert_int_equal(house_receive(gate, &gate_certd_boundary, IPC_CLIENT, &message),
				 1);
		if (message.type == GC_CERTIFICATE) {
			const struct gc_certificate *certificate = message.body;

			assert_string_equal(certificate->name, "theirs");
			own = certificate->key;
		}
	} while (message.type != GC_READY);
	for (uint32_t handle = 0; handle < 1000; handle++) {
		if (handle == own)
			continue;
		request.key = handle;
		assert_int_equal(
		    ipc_send_fd(gate, GC_TLS13_SERVER, 5, &request, sizeof(request), NULL, 0, -1),
		    0);
		assert_int_equal(house_receive(gate, &gate_certd_boundary, IPC_CLIENT, &message),
				 1);
		assert_int_equal(message.type, GC_REFUSED);
	}
	close(gate);
	end();
}

/* -- Certd lies to relay -------------------------------------------------------------------------
 */

static void
certificates_that_are_none(void **state)
{
	struct house_child relay = house_relay();
	struct gc_certificate certificate = {.key = 1, .name = "a"};
	struct gc_gone gone = {.name = "a"};
	const struct ipc_empty empty = {{0}};
	int fd;

	(void)state;
	fd = house_certd_to_relay(&relay);
	memset(certificate.name, 'a', sizeof(certificate.name));
	ipc_send_fd(fd, RC_CERTIFICATE, 0, &certificate, sizeof(certificate), "x", 1, -1);
	house_must_be_cut(fd);
	fd = house_certd_to_relay(&relay);
	memset(certificate.name, 0, sizeof(certificate.name));
	ipc_send_fd(fd, RC_CERTIFICATE, 0, &certificate, sizeof(certificate), "x", 1, -1);
	house_must_be_cut(fd);
	fd = house_certd_to_relay(&relay);
	strlcpy(certificate.name, "a", sizeof(certificate.name));
	certificate.zero = 1;
	ipc_send_fd(fd, RC_CERTIFICATE, 0, &certificate, sizeof(certificate), "x", 1, -1);
	house_must_be_cut(fd);
	fd = house_certd_to_relay(&relay);
	ipc_send_fd(fd, RC_GONE, 0, &gone, sizeof(gone), NULL, 0, -1); /* it was never here */
	house_must_be_cut(fd);
	fd = house_certd_to_relay(&relay);
	ipc_send_fd(fd, RC_READY, 0, &empty, sizeof(empty), NULL, 0, -1);
	ipc_send_fd(fd, RC_READY, 0, &empty, sizeof(empty), NULL, 0, -1);
	house_must_be_cut(fd);
	/* What is in a certificate is no message: it is not taken, and that is all. */
	fd = house_certd_to_relay(&relay);
	certificate.zero = 0;
	ipc_send_fd(fd, RC_CERTIFICATE, 0, &certificate, sizeof(certificate), "0\x82", 2, -1);
	ipc_send_fd(fd, RC_CERTIFICATE, 0, &certificate, sizeof(certificate), NULL, 0, -1);
	ipc_send_fd(fd, RC_GONE, 0, &gone, sizeof(gone), NULL, 0, -1);
	house_must_be_cut(fd);
	house_end(&relay);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_setup, house_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(tls13_lies),
	    TEST(tls12_lies),
	    TEST(other_keys),
	    TEST(as_a_server),
	    TEST(without_an_id),
	    TEST(a_gate_asks_for_relays_key),
	    TEST(certificates_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
