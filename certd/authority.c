/* SPDX-License-Identifier: ISC */
#include "certd/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "certd/authority_files.h"
#include "certd/authority_x509.h"
#include "certd/key.h"
#include "certd/pair.h"
#include "common/log.h"

#define NAME "authority" /* of the key, its certificate, and the CRL */
#define KEY_FILE NAME ".key"
#define CRT_FILE NAME ".crt"
#define CRL_FILE NAME ".crl"
#define INDEX_FILE "index"
#define CRL_BYTES (CLIENT_INDEX_MAX * 128) /* of PEM */
#define DAY 86400

static const char *const files[] = {KEY_FILE, CRT_FILE, CRL_FILE, INDEX_FILE, NULL};

/* It, while something is done with it. */
struct authority {
	int folder; /* locked */
	struct pair *pair;
	struct authority_signer signer; /* of the pair */
	struct client_index index;
};

static void
authority_close(struct authority *authority)
{
	client_index_free(&authority->index);
	X509_free(authority->signer.certificate);
	pair_free(authority->pair);
	if (authority->folder != -1)
		close(authority->folder);
}

/* Opens it with its index. Returns 1, 0 if there is none, or -1. authority_close() is always due.
 */
static int
authority_open(const struct authority_place *place, struct authority *authority, struct error *err)
{
	size_t length;
	char *text;
	int result;

	*authority = (struct authority){.folder = -1};
	authority->folder = authority_folder_open(place, err);
	if (authority->folder == -1)
		return errno == ENOENT ? 0 : -1;
	text = authority_file_read(authority->folder, INDEX_FILE, place->owner, CLIENT_INDEX_BYTES,
				   &length, err);
	if (text == NULL)
		return errno == ENOENT
			   ? error_set(err, "certs/authority/index is not there: without it "
					    "nobody knows what is revoked; put it back from a "
					    "backup, or move certs/authority away")
			   : -1;
	result = client_index_parse(text, length, &authority->index, err);
	free(text);
	return result == -1 ? error_prefix(err, "certs/authority/index") : 1;
}

static int
load_signer(const struct authority_place *place, struct authority *authority, struct error *err)
{
	const unsigned char *der;

	authority->pair = pair_load(authority->folder, NAME, place->owner, err);
	if (authority->pair == NULL)
		return error_prefix(err, "certs/authority");
	der = authority->pair->chain;
	authority->signer.key = key_pkey(authority->pair->key);
	authority->signer.certificate = d2i_X509(NULL, &der, (long)authority->pair->chain_length);
	if (authority->signer.certificate == NULL)
		return key_library_error(err, "certs/authority/" CRT_FILE);
	return 0;
}

static int
no_authority(struct error *err)
{
	return error_set(err, "this server has no authority for clients yet: posternctl cert "
			      "client makes one with the first certificate");
}

/* All that signs. */
static int
open_to_sign(const struct authority_place *place, struct authority *authority, struct error *err)
{
	int there = authority_open(place, authority, err);

	if (there == 0)
		return no_authority(err);
	return there == -1 ? -1 : load_signer(place, authority, err);
}

static int
write_index(int folder, const struct client_index *index, struct error *err)
{
	size_t length;
	char *text = client_index_format(index, &length, err);
	int result;

	if (text == NULL)
		return -1;
	result = authority_file_replace(folder, INDEX_FILE, 0600, text, length, err);
	free(text);
	return result;
}

static int
write_crl(int folder, const struct authority_signer *signer, const struct client_index *index,
	  struct error *err)
{
	X509_CRL *crl = authority_sign_crl(signer, index, (int64_t)time(NULL), err);
	BIO *bio = BIO_new(BIO_s_mem());
	int result = -1;
	char *bytes;

	if (crl != NULL && bio != NULL && PEM_write_bio_X509_CRL(bio, crl) == 1) {
		long length = BIO_get_mem_data(bio, &bytes);

		result = authority_file_replace(folder, CRL_FILE, 0644, bytes, (size_t)length, err);
	} else if (crl != NULL) {
		result = key_library_error(err, "writing the CRL");
	}
	if (result == 0)
		log_event(LOG_INFO, "crl.signed", KV_U64("number", index->crl));
	BIO_free(bio);
	X509_CRL_free(crl);
	return result;
}

/* The index, as it is now, is committed; then the CRL follows. *COMMITTED: as far as that. */
static int
publish(struct authority *authority, bool *committed, struct error *err)
{
	authority->index.crl++;
	*committed = write_index(authority->folder, &authority->index, err) == 0;
	if (!*committed)
		return -1;
	return write_crl(authority->folder, &authority->signer, &authority->index, err);
}

/* -- The requests -------------------------------------------------------------------- */

int
authority_exists(const struct authority_place *place, struct error *err)
{
	struct authority authority;
	int there = authority_open(place, &authority, err);

	authority_close(&authority);
	return there;
}

static int
write_pem(int folder, EVP_PKEY *key, X509 *certificate, struct error *err)
{
	struct packed packed = {NULL, 0};
	struct der_chain chain;
	uint8_t *der = NULL;
	int length = i2d_X509(certificate, &der), result = -1;

	if (length <= 0)
		return key_library_error(err, "writing the authority's certificate");
	chain = (struct der_chain){der, (size_t)length};
	if (pack_key(key, NULL, &packed, err) == 0)
		result = authority_file_replace(folder, KEY_FILE, 0600, packed.bytes, packed.length,
						err);
	packed_free(&packed);
	if (result == 0 && (result = pack_chain(&chain, &packed, err)) == 0)
		result = authority_file_replace(folder, CRT_FILE, 0644, packed.bytes, packed.length,
						err);
	packed_free(&packed);
	OPENSSL_free(der);
	return result;
}

int
authority_create(const struct authority_place *place, EVP_PKEY *key, const char *host,
		 struct error *err)
{
	const struct client_index index = {.crl = 1};
	struct authority_signer signer = {key, authority_sign_itself(key, host, err)};
	int folder, result;

	if (signer.certificate == NULL)
		return -1;
	folder = authority_folder_begin(place, files, err);
	result = folder;
	if (folder != -1) {
		result = write_pem(folder, key, signer.certificate, err);
		if (result == 0)
			result = write_index(folder, &index, err);
		if (result == 0)
			result = write_crl(folder, &signer, &index, err);
		result = authority_folder_end(place, files, folder, result, err);
	}
	X509_free(signer.certificate);
	if (result == 0)
		log_event(LOG_NOTICE, "authority.made", KV_STR("name", host));
	return result;
}

/* The client's certificate and the authority's, one after the other. */
static int
pack(const struct authority *authority, const struct authority_order *order, X509 *certificate,
     struct packed *packed, struct error *err)
{
	const struct pair *pair = authority->pair;
	int length = i2d_X509(certificate, NULL), result;
	struct der_chain chain;
	uint8_t *der, *at;

	if (length <= 0 || (der = malloc((size_t)length + pair->chain_length)) == NULL)
		return error_set(err, "the client's certificate: no memory");
	at = der;
	(void)i2d_X509(certificate, &at);
	memcpy(der + length, pair->chain, pair->chain_length);
	chain = (struct der_chain){der, (size_t)length + pair->chain_length};
	result = pack_pkcs12(order->key, &chain, order->account, order->passphrase, order->cipher,
			     packed, err);
	free(der);
	return result;
}

int
authority_issue(const struct authority_place *place, const struct authority_order *order,
		struct packed *packed, struct cert_client *cert, struct error *err)
{
	struct authority authority;
	X509 *certificate = NULL;
	int result = open_to_sign(place, &authority, err);

	*packed = (struct packed){NULL, 0};
	if (result == 0) {
		certificate = authority_sign_client(&authority.signer, order->key, order->account,
						    order->days, cert, err);
		result =
		    certificate == NULL ? -1 : pack(&authority, order, certificate, packed, err);
	}
	if (result == 0)
		result = client_index_add(&authority.index, cert, err);
	if (result == 0)
		result = write_index(authority.folder, &authority.index, err);
	if (result == 0)
		log_event(LOG_NOTICE, "client.issued", KV_STR("account", cert->account),
			  KV_STR("serial", cert->serial));
	else
		packed_free(packed);
	X509_free(certificate);
	authority_close(&authority);
	return result;
}

int
authority_revoke(const struct authority_place *place, const char *who, struct error *err)
{
	struct authority authority;
	int result = open_to_sign(place, &authority, err);
	bool committed = false;
	size_t count = 0;

	if (result == 0) {
		count = client_index_revoke(&authority.index, who, (int64_t)time(NULL));
		if (count > 0)
			result = publish(&authority, &committed, err);
	}
	if (committed)
		log_event(LOG_NOTICE, "client.revoked", KV_STR("who", who),
			  KV_U64("certificates", count));
	if (committed && result == -1)
		error_prefix(err, "revoked, but the CRL could not be written yet (certd tries it "
				  "again within the hour)");
	authority_close(&authority);
	return result == -1 ? -1 : (int)count;
}

int
authority_list(const struct authority_place *place, struct client_index *index, struct error *err)
{
	struct authority authority;
	int there = authority_open(place, &authority, err);

	*index = authority.index;
	authority.index = (struct client_index){.count = 0};
	authority_close(&authority);
	return there == -1 ? -1 : 0;
}

/* Is the CRL in the folder the index's, and of today? */
static bool
crl_is_fresh(const struct authority_place *place, const struct authority *authority)
{
	int64_t issued = 0, now = (int64_t)time(NULL);
	uint64_t number = 0;
	struct error err;
	size_t length;
	char *text = authority_file_read(authority->folder, CRL_FILE, place->owner, CRL_BYTES,
					 &length, &err);
	BIO *bio = text == NULL ? NULL : BIO_new_mem_buf(text, (int)length);
	X509_CRL *crl =
	    bio == NULL ? NULL : PEM_read_bio_X509_CRL(bio, NULL, key_no_passphrase, NULL);
	bool fresh = crl != NULL && authority_read_crl(&authority->signer, crl, &number, &issued) &&
		     number == authority->index.crl && issued <= now && issued > now - DAY;

	X509_CRL_free(crl);
	BIO_free(bio);
	free(text);
	ERR_clear_error();
	return fresh;
}

/* Enough to look at the list: the key stays on the disk. */
static int
load_certificate(const struct authority_place *place, struct authority *authority,
		 struct error *err)
{
	struct contents contents = {NULL, 0};
	BIO *bio;

	if (file_read(authority->folder, CRT_FILE, FILE_PUBLIC, place->owner, &contents, err) == -1)
		return error_prefix(err, "certs/authority");
	bio = BIO_new_mem_buf(contents.bytes, (int)contents.length);
	if (bio != NULL)
		authority->signer.certificate =
		    PEM_read_bio_X509(bio, NULL, key_no_passphrase, NULL);
	BIO_free(bio);
	contents_free(&contents);
	if (authority->signer.certificate == NULL)
		return key_library_error(err, "certs/authority/" CRT_FILE);
	return 0;
}

int
authority_refresh(const struct authority_place *place, struct error *err)
{
	struct authority authority;
	bool committed;
	int result;

	authority_folder_clean(place, files);
	result = authority_open(place, &authority, err);
	if (result == 1 && (result = load_certificate(place, &authority, err)) == 0 &&
	    !crl_is_fresh(place, &authority)) {
		X509_free(authority.signer.certificate);
		authority.signer.certificate = NULL;
		result = load_signer(place, &authority, err);
		if (result == 0)
			result = publish(&authority, &committed, err);
	}
	authority_close(&authority);
	return result;
}
