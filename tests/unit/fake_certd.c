/* SPDX-License-Identifier: ISC */
#include "tests/unit/fake_certd.h"

#include <assert.h>
#include <event2/event.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

EVP_PKEY *
fake_key(enum key_kind kind)
{
	switch (kind) {
	case KEY_KIND_RSA:
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	case KEY_KIND_P256:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	case KEY_KIND_P384:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	case KEY_KIND_P521:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521");
	case KEY_KIND_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	}
	abort();
}

X509 *
fake_cert(EVP_PKEY *key, const char *names)
{
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

	assert(extension != NULL);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), arc4random());
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1,
				   -1, 0);
	X509_set_issuer_name(cert, subject);
	X509_set_pubkey(cert, key);
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	if (X509_sign(cert, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()) == 0)
		abort();
	return cert;
}

/* RFC 8446 4.4.3 */
static size_t
compose_tls13(const struct gc_tls13_server *request, uint8_t *out)
{
	memset(out, 0x20, 64);
	memcpy(out + 64, "TLS 1.3, server CertificateVerify", 34);
	memcpy(out + 98, request->hash, request->hash_length);
	return 98u + request->hash_length;
}

/* RFC 8422 5.4 */
static size_t
compose_tls12(const struct gc_tls12_server *request, uint8_t *out)
{
	memcpy(out, request->client_random, 32);
	memcpy(out + 32, request->server_random, 32);
	out[64] = 3;
	out[65] = (uint8_t)(request->curve >> 8);
	out[66] = (uint8_t)request->curve;
	out[67] = (uint8_t)request->point_length;
	memcpy(out + 68, request->point, request->point_length);
	return 68u + request->point_length;
}

static const char *
digest_of(uint16_t scheme)
{
	switch (scheme) {
	case 0x0401:
	case 0x0403:
	case 0x0804:
		return "SHA256";
	case 0x0501:
	case 0x0503:
	case 0x0805:
		return "SHA384";
	case 0x0601:
	case 0x0603:
	case 0x0806:
		return "SHA512";
	default:
		return NULL;
	}
}

static size_t
sign(EVP_PKEY *key, uint16_t scheme, const uint8_t *tbs, size_t length, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	size_t size = SIGNATURE_MAX;

	if (EVP_DigestSignInit_ex(ctx, &pctx, digest_of(scheme), NULL, NULL, key, NULL) != 1)
		abort();
	if (scheme >= 0x0804 && scheme <= 0x0806 &&
	    (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) != 1 ||
	     EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) != 1))
		abort();
	if (EVP_DigestSign(ctx, out, &size, tbs, length) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	return size;
}

static void
answer(struct fake_certd *fake, uint16_t type, uint32_t id, const void *body)
{
	const struct gc_tls13_server *tls13 = body;
	const struct gc_tls12_server *tls12 = body;
	uint8_t tbs[256], signature[SIGNATURE_MAX];
	uint32_t handle = type == GC_TLS13_SERVER ? tls13->key : tls12->key;
	uint16_t scheme = type == GC_TLS13_SERVER ? tls13->scheme : tls12->scheme;
	struct gc_refused refused = {.reason = GC_REFUSED_KEY};
	size_t length;

	if (fake->mode == FAKE_WRONG) {
		ipc_send(fake->channel, GC_TICKET_KEYS, id, &fake->tickets, NULL, 0, -1);
		return;
	}
	if (fake->mode == FAKE_EMPTY) {
		ipc_send(fake->channel, GC_SIGNED, id, NULL, NULL, 0, -1);
		return;
	}
	if (fake->mode == FAKE_REFUSE || handle < fake->first_handle ||
	    handle - fake->first_handle >= fake->count) {
		ipc_send(fake->channel, GC_REFUSED, id, &refused, NULL, 0, -1);
		return;
	}
	length = type == GC_TLS13_SERVER ? compose_tls13(tls13, tbs) : compose_tls12(tls12, tbs);
	length =
	    sign(fake->entries[handle - fake->first_handle].key, scheme, tbs, length, signature);
	ipc_send(fake->channel, GC_SIGNED, id, NULL, (const char *)signature, length, -1);
}

static int
on_request(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct fake_certd *fake = context;
	size_t size = message->type == GC_TLS13_SERVER ? sizeof(struct gc_tls13_server)
						       : sizeof(struct gc_tls12_server);

	(void)channel;
	fake->requests++;
	if (fake->mode != FAKE_HOLD) {
		answer(fake, message->type, message->id, message->body);
		return 0;
	}
	assert(fake->held_count < FAKE_HELD);
	fake->held[fake->held_count].type = message->type;
	fake->held[fake->held_count].id = message->id;
	memcpy(&fake->held[fake->held_count].as, message->body, size);
	fake->held_count++;
	return 0;
}

static const struct ipc_handler handlers[] = {
    {GC_TLS13_SERVER, on_request}, {GC_TLS12_SERVER, on_request}, {0, NULL}};

static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct fake_certd *fake = context;

	/* The end of an older one may be seen late. */
	if (fake->channel == channel)
		fake->channel = NULL;
}

void
fake_certd_init(struct fake_certd *fake, struct event_base *base)
{
	memset(fake, 0, sizeof(*fake));
	fake->base = base;
	fake_certd_rotate(fake);
}

static void
send_certificate(struct fake_certd *fake, uint32_t index)
{
	struct gc_certificate body = {.key = fake->first_handle + index};
	unsigned char *der = NULL;
	int length = i2d_X509(fake->entries[index].cert, &der);

	strlcpy(body.name, fake->entries[index].name, sizeof(body.name));
	ipc_send(fake->channel, GC_CERTIFICATE, 0, &body, (const char *)der, (size_t)length, -1);
	OPENSSL_free(der);
}

void
fake_certd_add(struct fake_certd *fake, const char *name, EVP_PKEY *key, const char *names)
{
	struct fake_entry *entry = &fake->entries[fake->count++];

	assert(fake->count <= FAKE_ENTRIES);
	entry->name = name;
	entry->key = key;
	entry->cert = fake_cert(key, names);
}

void
fake_certd_replace(struct fake_certd *fake, const char *name, EVP_PKEY *key, const char *names)
{
	for (uint32_t i = 0; i < fake->count; i++) {
		struct fake_entry *entry = &fake->entries[i];

		if (strcmp(entry->name, name) != 0)
			continue;
		if (key != NULL) {
			EVP_PKEY_free(entry->key);
			entry->key = key;
		}
		X509_free(entry->cert);
		entry->cert = fake_cert(entry->key, names);
		if (fake->channel != NULL)
			send_certificate(fake, i);
	}
}

void
fake_certd_rotate(struct fake_certd *fake)
{
	struct gc_ticket_keys *tickets = &fake->tickets;

	memmove(&tickets->key[1], &tickets->key[0], sizeof(tickets->key[0]) * (TICKET_KEYS - 1));
	arc4random_buf(&tickets->key[0], sizeof(tickets->key[0]));
	if (tickets->count < TICKET_KEYS)
		tickets->count++;
	if (fake->channel != NULL)
		ipc_send(fake->channel, GC_TICKET_KEYS, 0, tickets, NULL, 0, -1);
}

int
fake_certd_connect(struct fake_certd *fake)
{
	int sv[2];

	if (ipc_pair(sv) == -1)
		abort();
	fake->channel = ipc_open(fake->base, sv[0], &gate_certd_boundary, IPC_SERVER, handlers,
				 on_ended, fake, "gate");
	assert(fake->channel != NULL);
	fake->first_handle += 1000;
	for (uint32_t i = 0; i < fake->count; i++)
		send_certificate(fake, i);
	ipc_send(fake->channel, GC_TICKET_KEYS, 0, &fake->tickets, NULL, 0, -1);
	ipc_send(fake->channel, GC_READY, 0, NULL, NULL, 0, -1);
	return sv[1];
}

void
fake_certd_die(struct fake_certd *fake)
{
	ipc_close(fake->channel);
	fake->channel = NULL;
	fake->held_count = 0;
}

void
fake_certd_release(struct fake_certd *fake)
{
	fake->mode = FAKE_ANSWER;
	for (unsigned i = 0; i < fake->held_count; i++)
		answer(fake, fake->held[i].type, fake->held[i].id, &fake->held[i].as);
	fake->held_count = 0;
}

void
fake_certd_free(struct fake_certd *fake)
{
	fake_certd_die(fake);
	for (uint32_t i = 0; i < fake->count; i++) {
		EVP_PKEY_free(fake->entries[i].key);
		X509_free(fake->entries[i].cert);
	}
	fake->count = 0;
}
