/* SPDX-License-Identifier: ISC */
/*
 * What an administrator imports, as the importer takes it apart, and what comes of the pieces, as
 * certd chooses among them. The pass phrase is "secret".
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "certd/import_parse.h"
#include "certd/import_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
on_key(void *arg, EVP_PKEY *pkey, struct error *err)
{
	struct import_set *set = arg;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	uint8_t *der = NULL;
	int length = i2d_PKCS8_PRIV_KEY_INFO(info, &der);

	(void)err;
	/* What has been found good is good. */
	if (length <= 0 || (set->key_count < IMPORT_KEYS_MAX &&
			    import_set_add_key(set, der, (size_t)length) == -1))
		abort();
	PKCS8_PRIV_KEY_INFO_free(info);
	OPENSSL_free(der);
	return 0;
}

static int
on_certificate(void *arg, X509 *x509, struct error *err)
{
	const struct cj_piece piece = {.file = 0};
	struct import_set *set = arg;
	uint8_t *der = NULL;
	int length = i2d_X509(x509, &der);

	(void)err;
	if (length > 0)
		(void)import_set_add_certificate(set, &piece, der, (size_t)length);
	ERR_clear_error();
	OPENSSL_free(der);
	return 0;
}

static int
on_note(void *arg, const char *text, struct error *err)
{
	(void)arg;
	(void)err;
	if (strlen(text) > 200)
		abort();
	return 0;
}

static int
on_passphrase(void *arg, char *buffer, size_t size, unsigned attempt, struct error *err)
{
	(void)arg;
	if (attempt > 0)
		return error_set(err, "no pass phrase");
	return (int)strlcpy(buffer, "secret", size);
}

static void
choose(const struct import_set *set, const EVP_PKEY *public)
{
	struct import_choice choice;
	struct error err;
	char text[256];

	if (set->certificate_count == 0 || import_choose(set, public, &choice, &err) == -1)
		return;
	(void)import_check_leaf(choice.leaf->x509, true, &err);
	import_host_names(choice.leaf->x509, text, sizeof(text));
	import_common_name(choice.leaf->x509, true, text, sizeof(text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct import_set set = {.key_count = 0};
	const struct import_sink sink = {.key = on_key,
					 .certificate = on_certificate,
					 .note = on_note,
					 .passphrase = on_passphrase,
					 .arg = &set,
					 .iterations_max = 100};
	uint8_t *copy = malloc(size + 1);
	struct error err = {.text = ""};

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	if (import_parse(copy, size, &sink, &err) == -1 && err.text[0] == '\0')
		abort();
	free(copy);
	choose(&set, NULL);
	if (set.key_count > 0)
		choose(&set, set.keys[0]);
	import_set_free(&set);
	return 0;
}
