/* The functions of the very OpenSSL that the interpreter uses, by their addresses: nothing is linked here. */
#ifndef APIML_WS_TLS_H
#define APIML_WS_TLS_H

struct openssl {
    int (*ssl_read)(void *, void *, int);
    int (*ssl_write)(void *, const void *, int);
    int (*ssl_get_error)(const void *, int);
    int (*bio_read)(void *, void *, int);
    int (*bio_write)(void *, const void *, int);
    void (*err_clear_error)(void);
};

#define SSL_ERROR_WANT_READ 2
#define SSL_ERROR_ZERO_RETURN 6

#endif
