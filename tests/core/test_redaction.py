from __future__ import annotations

import json

import pytest

from mlrun_cli.core.redaction import Redactor


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--password", "x", "y"], ["--password", "***", "y"]),
        (["--token=x", "--lr=1"], ["--token=***", "--lr=1"]),
        (["--pwd", "x", "PWD=/a"], ["--pwd", "***", "PWD=/a"]),
        (["-key", "x"], ["-key", "***"]),
        (["--api-key", "x"], ["--api-key", "***"]),
        (["--keyboard", "x"], ["--keyboard", "x"]),
        (["DB_PASSWORD=x", "A=b"], ["DB_PASSWORD=***", "A=b"]),
        (["https://me:secret@host/x?a=b"], ["https://***@host/x?a=b"]),
        (["--password", "--lr", "1"], ["--password", "--lr", "1"]),
        (["mail@host", ""], ["mail@host", ""]),
        (["TOKEN=a b", "--token=a b", "--token", "a b"], ["TOKEN=***", "--token=***", "--token", "***"]),
        (["run.sh", "--lr", "TOKEN=a b"], ["run.sh", "--lr", "TOKEN=***"]),
        (["bash", "-lc", "TOKEN=a b"], ["bash", "-lc", "TOKEN=*** b"]),
    ],
)
def test_secrets_on_a_command_line_are_hidden(arguments: list[str], shown: list[str]) -> None:
    assert Redactor().redact_arguments(arguments) == shown


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ("train.py --token 1 --epochs 1", "train.py --token *** --epochs 1"),
        ("train.py --token adam --optimizer=adam", "train.py --token *** --optimizer=adam"),
        ("train.py --password train --mode train", "train.py --password *** --mode train"),
        ("--key val_loss --monitor val_loss --best=val_loss", "--key *** --monitor val_loss --best=val_loss"),
        ("--key accuracy --columns accuracy,loss", "--key *** --columns accuracy,loss"),
        ("--cache-token 1000000 --steps 1000000", "--cache-token *** --steps 1000000"),
        ("--token training --mode training", "--token *** --mode training"),
        ("--token /data/set --input /data/set", "--token *** --input /data/set"),
        ("sql://me:postgres@host/x --backend postgres", "sql://***@host/x --backend postgres"),
        ("/home/me/postgres/train.py --backend=postgres", "/home/me/postgres/train.py --backend=postgres"),
        ("--password training --mode x-training", "--password *** --mode x-training"),
        # Here the name or the value leaves no doubt.
        ("--password training --note training --note=training", "--password *** --note *** --note=***"),
        ("--key 4eC39HqLyjWDarjt --note a-4eC39HqLyjWDarjt", "--key *** --note a-***"),
        ("--pwd hunter2-x --token hunter3-x hunter2-x hunter3-x", "--pwd *** --token *** *** ***"),
        ("sql://me:hunter2@host/x --note hunter2 --note=me:hunter2", "sql://***@host/x --note *** --note=***"),
        ("--note hunter4-x /home/hunter4-x/train.py", "--note *** /home/***/train.py"),
    ],
)
def test_a_secret_hides_other_arguments_only_if_they_cannot_have_it_by_chance(arguments: str, shown: str) -> None:
    redactor = Redactor.from_environment({"POSTGRES_PASSWORD": "postgres", "SHELL_TOKEN": "hunter4-x"})
    assert redactor.redact_arguments(arguments.split()) == shown.split()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("python train.py --password x --lr 1", "python train.py --password *** --lr 1"),
        ("python  train.py\t--token=x\n&& echo y ", "python  train.py\t--token=***\n&& echo y "),
        ("DB_PASSWORD=x A=b python train.py", "DB_PASSWORD=*** A=b python train.py"),
        ("export MY_TOKEN='a b' && x", "export MY_TOKEN=*** && x"),
        ('a --password "x \\" y" --lr 1', "a --password *** --lr 1"),
        ("a --password x\\ y --lr 1", "a --password *** --lr 1"),
        ("a '--password' 'x y' --lr 1", "a '--password' *** --lr 1"),
        ("a --password \\\n  x --lr 1", "a --password \\\n  *** --lr 1"),
        ("bash -c 'a --password \"x y\"' && b", "bash -c 'a --password *** && b"),
        ('bash -c "a --password \\"x y\\" --lr 1"', 'bash -c "a --password *** --lr 1"'),
        ("python -c \"connect(password = 'x y')\" && b", 'python -c "connect(password = *** && b'),
        ("""curl -d '{"api-key": "x y", "lr": 1}'""", """curl -d '{"api-key": *** "lr": 1}'"""),
        ("env --set=TOKEN=x y", "env --set=TOKEN=*** y"),
        ("ENV MY_TOKEN x y\\\n z\nENV MAX_TOKENS 512", "ENV MY_TOKEN ***\nENV MAX_TOKENS 512"),
        ("STEP 2/3: ENV MY_TOKEN 'x y'\nenv MY_TOKEN x", "STEP 2/3: ENV MY_TOKEN ***\nenv MY_TOKEN ***"),
        ("ARG TOKEN=\nFROM x\n token: \n  y", "ARG TOKEN=\nFROM x\n token: \n  ***"),
        ("pip install tiktoken==0.5.1 'secretstorage==3'", "pip install tiktoken==0.5.1 'secretstorage==3'"),
        ('[ "$TOKEN" == 12ab ] TOKEN==12ab', '[ "$TOKEN" == *** ] TOKEN==***'),
        ("a --password --lr 1", "a --password --lr 1"),
        ("a --password", "a --password"),
        ("a --model me/tokenizer:main --keyboard x", "a --model me/tokenizer:main --keyboard x"),
        ("curl https://me:x@y@host/a?b=c", "curl https://***@host/a?b=c"),
        ("", ""),
    ],
)
def test_secrets_in_the_text_for_a_shell_are_hidden(text: str, shown: str) -> None:
    assert Redactor().redact_arguments(["/bin/sh", "-c", text]) == ["/bin/sh", "-c", shown]


def test_the_text_for_a_shell_hides_names_that_the_user_adds() -> None:
    assert Redactor(["pin"]).redact_arguments(["sh", "-c", "a --pin 1 PIN=2"]) == ["sh", "-c", "a --pin *** PIN=***"]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 200_000,
        "--token " * 20_000,
        "ENV a" * 50_000 + " ENV" + " " * 100_000,
        "a" + " " * 200_000,
    ],
)
def test_long_text_for_a_shell_without_a_secret_stays(text: str) -> None:
    assert Redactor().redact_arguments(["sh", "-c", text]) == ["sh", "-c", text]


def test_the_whole_of_a_long_secret_for_a_shell_is_hidden() -> None:
    text = '--token "' + "\\a" * 100_000
    assert Redactor().redact_arguments(["sh", "-c", text]) == ["sh", "-c", "--token ***"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://me:a@b@host/x, mail@host", "see https://***@host/x, mail@host"),
        ("postgresql+psycopg://me@host/db", "postgresql+psycopg://***@host/db"),
        ("http://a/b and x@y", "http://a/b and x@y"),
    ],
)
def test_the_user_of_an_address_is_hidden_up_to_its_host(text: str, shown: str) -> None:
    assert Redactor().redact_text(text) == shown


@pytest.mark.parametrize("text", ['{"password": "***"}', '{"keys": [{"api_key": "***"}]}', "connect(password='***')"])
def test_what_is_redacted_already_stays_readable(text: str) -> None:
    redactor = Redactor()
    assert {redactor.redact_prose(text), redactor.redact_value(text)} == {text}


def test_every_text_of_a_document_is_redacted() -> None:
    address, shown = "http://u:p@h", "http://***@h"
    document = {"a": [address, 1, None, {"b": address, address: True}], "api_key": ["x", {"b": "--password x"}]}
    hidden = {"a": [shown, 1, None, {"b": shown, shown: True}], "api_key": ["***", {"b": "--password ***"}]}

    assert Redactor().redact_document(document) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "ValueError: unexpected token: EOF",
        "Unexpected token: line 1 column 2",
        "argument --tokens: invalid int value: 'a'",
        "argument --api-key: expected one argument",
        "(tokenizer.pad_token = tokenizer.eos_token e.g.)",
        "encode(tokens=x, mask=None)",
        "password reset model, token accuracy = 0.9",
    ],
)
def test_prose_about_tokens_and_keys_stays(text: str) -> None:
    assert Redactor().redact_error([text]) == Redactor().redact_document([text]) == [text]


def test_tags_about_tokens_stay() -> None:
    tags = {"total_tokens": "1000000", "pad_token": "<pad>", "tokens": "2.5B", "token_mixer": "attention"}
    assert Redactor().redact_document(tags) == tags
    assert Redactor().redact_document({"my_token": "ghp_abcdef0123456789abcd"}) == {"my_token": "***"}


def test_values_of_doubtful_variables_hide_no_paths_and_numbers() -> None:
    redactor = Redactor.from_environment({"HF_TOKEN_PATH": "/home/me/.hf", "MAX_TOKENS": "100000", "A_TOKEN": "none"})
    text = "No such file: /home/me/.hf/data; got 100000 rows"
    assert redactor.redact_error(text) == text


def test_an_error_quotes_no_value_of_a_secret_variable() -> None:
    environment = {"A_TOKEN": "a b.c+d", "B_TOKEN": "a b.c+d, e", "C_TOKEN": "short", "LR": "ordinary"}
    redactor = Redactor.from_environment({**environment, "OWN": "hunter", "MLRUN_SECRET_NAMES": "own,other"})

    error = {"message": "no a b.c+d, e at a b.c+d: short ordinary hunter", "details": ["own,other"]}
    assert redactor.redact_error(error) == {"message": "no *** at ***: short ordinary ***", "details": ["own,other"]}
    assert redactor.redact_document(error) == error


def test_secret_variables_are_hidden_by_their_name() -> None:
    variables = {"MY_Secret_1": "a", "AWS_ACCESS_KEY_ID": "b", "URL": "http://u:p@h", "LR": "1"}

    assert Redactor().redact_variables(variables) == {
        "MY_Secret_1": "***",
        "AWS_ACCESS_KEY_ID": "***",
        "URL": "http://***@h",
        "LR": "1",
    }


SECRET_VARIABLES = [
    "APIKEY",
    "api-key",
    "AccessKey",
    "ACCESS_KEY",
    "AZURE_STORAGE_KEY",
    "accountKey",
    "SUBSCRIPTION_KEY",
    "ssh_private_key_2",
    "SharedAccessKey",
    "SIGNING_KEY",
    "KEY_PASSPHRASE",
    "PASSword",
    "MY_TOKENs",
    "PASS",
    "DB_PASS",
    "DB_PWD",
    "DEVOPS_PAT",
    "dbPass",
    "AUTHORIZATION",
    "HTTP_AUTHORIZATION",
    "AUTH",
    "PROXY_AUTH",
    "CONNECTIONSTRING",
    "CONNECTION_STRING",
    "CONN_STR",
    "DB_CONNSTR",
    "SAS",
    "BLOB_SAS",
    "SAS_TOKEN",
    "SharedAccessSignature",
    "STRIPE_KEY",
    "KEY",
    "PGPASS",
    "MYSQLPASS",
    "COOKIE",
    "SESSION_COOKIES",
    "AUTH_HEADER",
    "authHeader",
    "SLACK_WEBHOOK",
    "TEAMS_WEBHOOK_URL",
    "GIT_CREDS",
    "SESSION_JWT",
]
PLAIN_VARIABLES = [
    "PATH",
    "PYTHONPATH",
    "KEYBOARD",
    "COMPASS",
    "MONKEY",
    "PASS_COUNT",
    "SPATIAL",
    "PATIENCE",
    "AUTHOR",
    "AUTH_MODE",
    "SASKIA",
    "CONN_STRIDE",
    "TOKENIZERS_PARALLELISM",
    "SORT_KEY",
    "KEY_DIM",
    "NUM_KEYS",
    "PAT",
    "BYPASS",
    "PGPASSFILE",
    "COOKIE_DOMAIN",
    "COOKIECUTTER_TEMPLATE",
    "PRIMARY_KEY_COLUMN",
    "PRIMARY_KEY",
    "DATA_PARTITION_KEY",
    "label_key",
    "WEBHOOK_TIMEOUT",
]


@pytest.mark.parametrize("name", SECRET_VARIABLES)
def test_a_name_of_a_secret_is_known_however_it_is_written(name: str) -> None:
    assert Redactor().redact_variables({name: "hunter2x"}) == {name: "***"}
    assert Redactor().redact_arguments([f"--{name}", "hunter2x", "4"]) == [f"--{name}", "***", "4"]


@pytest.mark.parametrize("name", PLAIN_VARIABLES)
def test_a_name_that_only_looks_like_one_of_a_secret_hides_nothing(name: str) -> None:
    assert Redactor().redact_variables({name: "created_at"}) == {name: "created_at"}
    assert Redactor().redact_arguments([f"--{name}", "4"]) == [f"--{name}", "4"]


@pytest.mark.parametrize(
    "words",
    [
        "--num-keys 4 --key-dim 64 --pass 2 --monkey x --keyboard us --compass n",
        "--max-tokens 512 --num_tokens=1e5 --tokenizer bert --use-token-type true --n-pass 3 --use-auth=false",
        "--max-tokens 131072 --num_tokens=1_000_000 --train-tokens 300B --pad-token-id 128001 --maxTokens=200000",
        "--sort-key created_at --group-key=user-id-2024 --label_key imagenet-1k-train-v2 --pattern *.csv",
        "Basic training Basic TensorFlow Bearer authentication /home/t/training1/x.csv a;b=c;d",
        "pass=2 model.key=encoder optimizer.pass=1 PWD=/home/me",
    ],
)
def test_ordinary_arguments_stay_visible(words: str) -> None:
    redactor = Redactor()
    assert redactor.redact_arguments(words.split()) == words.split()
    assert redactor.redact_arguments(["sh", "-c", words])[-1] == words
    assert redactor.redact_text(words) == words


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("STRIPE_KEY", "sk_live_4eC39HqLyjWDarjt", "***"),
        ("MAPS_KEY", "0f8fad5b-d9cb-469f-a165-70867728950e", "***"),
        ("CACHE_KEY", "/data/v2/4eC39HqLyjWDarjt", "/data/v2/4eC39HqLyjWDarjt"),
        ("EXTRA", "--password hunter2 --lr 1", "--password *** --lr 1"),
        ("BLOB", "AccountName=me;AccountKey=aB1/c==;Suffix=x", "AccountName=me;AccountKey=***"),
        ("BUS", "Endpoint=sb://h/;SharedAccessKey=aB1=", "Endpoint=sb://h/;SharedAccessKey=***"),
        ("SQL", "Server=h;Uid=me;Pwd=a b c;Encrypt=yes", "Server=h;Uid=me;Pwd=***;Encrypt=yes"),
        ("SQL", "Pwd=abc;Server=h", "Pwd=***;Server=h"),
        ("SQL", "Server=h; Password = abc", "Server=h; Password = ***"),
        ("URL", "https://h/c/b?sv=1&sig=a%2Bb&se=2", "https://h/c/b?sv=1&sig=***&se=2"),
        ("URL", "h/c/b?sv=1&sig=a%2Bb", "h/c/b?sv=1&sig=***"),
        ("URL", "https://maps.host/api?key=AIzaSyA-1234567890_x", "https://maps.host/api?key=***"),
        ("URL", "https://host/api?key=name", "https://host/api?key=name"),
        ("NOTIFY", "https://hooks.slack.com/services/T0/B0/abc", "https://hooks.slack.com/services/***"),
        ("NOTIFY", "https://me.webhook.office.com/webhookb2/a@b/c", "https://me.webhook.office.com/webhookb2/***"),
        ("NOTIFY", "https://api.telegram.org/bot12:ab/send", "https://api.telegram.org/bot***/send"),
        ("BATCH_KEY", "12", "12"),
        ("MAX_TOKENS", "131072", "131072"),
        ("ACCESS_TOKENS", "131072x", "***"),
        ("PIN_TOKEN", "131072", "***"),
        ("WANDB_KEY", "true", "true"),
        ("CHANNEL", "https://h/t/me-12345678/main", "https://h/t/***/main"),
        ("HEADER", "Bearer abc", "Bearer ***"),
        ("HEADER", "Authorization: Bearer abc", "Authorization: ***"),
        ("HEADER", "x Bearer eyJhbGciOi.J9-_x= y", "x Bearer *** y"),
        ("HEADER", "Basic dXNlcjpwYXNz", "Basic ***"),
        ("PEM", "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----", None),
    ],
)
def test_a_secret_within_a_value_is_hidden_whatever_the_name(name: str, value: str, shown: str | None) -> None:
    hidden = "-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----"
    assert Redactor().redact_variables({name: value}) == {name: shown or hidden}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot reach Server=h;Password=a b;Encrypt=yes", "cannot reach Server=h;Password=***;Encrypt=yes"),
        ("GET https://h/b?sig=abc HTTP", "GET https://h/b?sig=*** HTTP"),
        ("sent 'Bearer abc123'", "sent 'Bearer ***'"),
    ],
)
def test_a_secret_shows_by_itself_in_any_text(text: str, shown: str) -> None:
    redactor = Redactor()
    assert redactor.redact_text(text) == redactor.redact_value(text) == shown
    assert redactor.redact_arguments([text]) == [shown]


@pytest.mark.parametrize(
    "text",
    ["a=" * 100_000, ";a=" * 70_000, "://" * 70_000, "Bearer " * 30_000, "?" * 200_000, "aA" * 100_000, "a-1" * 70_000],
)
def test_long_text_without_a_secret_stays(text: str) -> None:
    variables = {"A": text, "B": f" {text}", text: "x"}
    assert Redactor().redact_variables(variables) == variables


def test_the_user_can_add_names() -> None:
    redactor = Redactor.from_environment({"MLRUN_SECRET_NAMES": "license, pin"})

    assert redactor.redact_variables({"MY_LICENSE": "a", "PIN": "b"}) == {"MY_LICENSE": "***", "PIN": "***"}


def test_secrets_are_those_of_the_environment_at_the_time_of_use() -> None:
    environment = {"A_TOKEN": "hunter2x"}
    redactor = Redactor.from_environment(environment)
    assert redactor.redact_error("hunter2x hunter3x") == "*** hunter3x"

    environment.update({"A_TOKEN": "hunter3x", "MLRUN_SECRET_NAMES": "own"})
    assert redactor.redact_error("hunter2x hunter3x") == "hunter2x ***"
    assert redactor.redact_document({"my_own": "1"}) == {"my_own": "***"}


@pytest.mark.parametrize(
    "word", ["train.py", "a/b-2.c", "--password", "-x", "SECRET", "Bearer", "über", "", "----", "ENV"]
)
def test_a_word_of_its_own_is_shown_as_in_a_text(word: str) -> None:
    redactor = Redactor()
    assert redactor.redact_value(word) == redactor.redact_text(word) == word
    assert redactor.redact_value(f"{word} ") == redactor.redact_text(f"{word} ") == f"{word} "


ODD = 'it\'s\\a "b"\n-c'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (ODD, "***"),
        (f"for {ODD}.", "for ***."),
        (repr(ODD), "'***'"),
        (f"bad value: {json.dumps(ODD)}", 'bad value: "***"'),
        (f"{['x', ODD]}", "['x', '***']"),
    ],
)
def test_an_error_hides_a_secret_argument_however_it_spells_it(text: str, shown: str) -> None:
    redactor = Redactor.for_run({}, ["train.py", "--password", ODD])
    assert redactor.redact_error({"message": text}) == {"message": shown}


@pytest.mark.parametrize(
    ("arguments", "text", "of_error", "of_tag"),
    [
        ("--token 5", "5", "5", "5"),
        ("--pwd abc", "abc", "abc", "abc"),
        ("--token training", "training", "training", "training"),
        ("--token /data/set", "/data/set", "/data/set", "/data/set"),
        ("--password training", "training", "***", "***"),
        ("--password training", "training failed", "*** failed", "training failed"),
        ("--password hunter2-x", "not hunter2-x, please", "not ***, please", "not ***, please"),
        ("--token hunter2-x", "note=hunter2-x", "note=***", "note=***"),
        ("https://me:hunter2@host/x", "hunter2", "***", "***"),
        ("--note x", "hunter3-x postgres", "*** ***", "*** postgres"),
    ],
)
def test_a_run_hides_what_it_repeats_of_its_command_line_and_variables(
    arguments: str, text: str, of_error: str, of_tag: str
) -> None:
    variables = {"POSTGRES_PASSWORD": "postgres", "SHELL_TOKEN": "hunter3-x"}
    redactor = Redactor.for_run(variables, ["train.py", *arguments.split()])
    assert redactor.redact_error({"message": text}) == {"message": of_error}
    assert redactor.redact_document({"note": text}) == {"note": of_tag}
    assert redactor.redact_run_secrets([text, 1, None]) == [of_tag, 1, None]


@pytest.mark.parametrize("value", ["<|endoftext|>", "[PAD]", "</s>", "<|reserved_special_token_250|>", "<extra_id_99>"])
@pytest.mark.parametrize(
    "name",
    [
        *(f"{kind}_token" for kind in ("bos", "eos", "pad", "mask", "unk", "sep", "cls", "sos", "oov", "placeholder")),
        *("eosToken", "MODEL_PAD_TOKEN", "special-tokens", "additional_special_tokens", "decoder_start_token"),
    ],
)
def test_words_of_a_vocabulary_are_no_secrets(name: str, value: str) -> None:
    redactor = Redactor()
    arguments = [f"--{name}", value, f"--{name}={value}"]
    assert redactor.redact_arguments(arguments) == arguments
    assert redactor.redact_variables({name: value}) == {name: value}
    assert redactor.redact_document({name: value}) == {name: value}
    assert redactor.redact_prose(f"--{name} {value}") == f"--{name} {value}"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("--eos-token ghp_abc123def456ghi789", ""),
        ("--mask-token 8f14e45f-ceea-467f-a6d5-0123456789ab", ""),
        ("--user-token <|endoftext|>", ""),
        ("--mytoken </s>", ""),
        ("--secret-eos-token </s>", ""),
        ("--eos-token </s>", "EOS"),
    ],
)
def test_the_name_of_a_word_of_a_vocabulary_shows_no_secret(words: str, names: str) -> None:
    name, value = words.split()
    redactor = Redactor.from_environment({"MLRUN_SECRET_NAMES": names})
    assert redactor.redact_arguments([name, value]) == [name, "***"]
