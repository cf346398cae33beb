BEGIN TRANSACTION;
CREATE TABLE cell (
        id INTEGER PRIMARY KEY,
        task TEXT NOT NULL,
        base_model TEXT NOT NULL,
        set_name TEXT NOT NULL,
        condition TEXT NOT NULL,
        fold TEXT NOT NULL,
        examples INTEGER NOT NULL,
        model TEXT NOT NULL,
        parameters TEXT NOT NULL,
        UNIQUE (task, base_model, set_name, condition, fold, examples)
    ) STRICT;
INSERT INTO "cell" VALUES(1,'choice','model-a','native','','',0,'model-a','{"prompts":"bbe8418f0ed2c16c656a175d029c241725bbcd7e218b7f0f5cc2673f22c8d78f","temperature":0.0}');
CREATE TABLE plan (
        cell INTEGER NOT NULL REFERENCES cell,
        scenario TEXT NOT NULL,
        wanted INTEGER NOT NULL,
        PRIMARY KEY (cell, scenario)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "plan" VALUES(1,'thing_0',6);
CREATE TABLE reply (
        id INTEGER PRIMARY KEY,
        cell INTEGER NOT NULL REFERENCES cell,
        scenario TEXT NOT NULL,
        trial INTEGER NOT NULL,
        superseded INTEGER NOT NULL DEFAULT 0,
        details TEXT NOT NULL,
        prompt_sha256 TEXT NOT NULL,
        status TEXT NOT NULL
            CHECK (status IN ('valid', 'invalid', 'refused', 'truncated', 'failed')),
        value TEXT,
        rescued INTEGER NOT NULL,
        why TEXT NOT NULL,
        text TEXT NOT NULL,
        refusal INTEGER NOT NULL,
        finish_reason TEXT NOT NULL,
        model TEXT NOT NULL,
        system_fingerprint TEXT NOT NULL,
        prompt_tokens INTEGER,
        completion_tokens INTEGER,
        latency REAL,
        logprobs TEXT,
        attempts INTEGER NOT NULL,
        error TEXT NOT NULL,
        created TEXT NOT NULL
    ) STRICT;
INSERT INTO "reply" VALUES(1,1,'thing_0',3,0,'{"option_a":[406.0,14.0,101.0],"option_b":[34.0,23.0,189.0]}','90df677442f0d9b02cec322dbcab492d2558ab8939214ebf33ad7e1dc867463c','valid','"B"',0,'','B',0,'stop','model-a','fp_9f668dfc29',86,1,NULL,NULL,1,'','2026-11-21T14:40:16.439+00:00');
INSERT INTO "reply" VALUES(2,1,'thing_0',1,0,'{"option_a":[606.0,15.0,278.0],"option_b":[550.0,28.0,139.0]}','75ab83eb0edc8d603366ec4f39cac6a1447e8882f0c132cbb93c35b89e094209','failed',NULL,0,'This request could not be executed before the completion window.','',0,'','','',NULL,NULL,NULL,NULL,1,'This request could not be executed before the completion window.','2026-11-21T14:40:16.439+00:00');
INSERT INTO "reply" VALUES(3,1,'thing_0',2,0,'{"option_a":[393.0,19.0,314.0],"option_b":[895.0,46.0,259.0]}','d952d8f12976dac350b41ab78657af8a40c836b7370424cb066eb859c26471ae','failed',NULL,0,'This request could not be executed before the completion window.','',0,'','','',NULL,NULL,NULL,NULL,1,'This request could not be executed before the completion window.','2026-11-21T14:40:16.439+00:00');
INSERT INTO "reply" VALUES(4,1,'thing_0',0,0,'{"option_a":[861.0,46.0,108.0],"option_b":[86.0,40.0,318.0]}','b8d6badc70c542e6994526685126cd008cbf2b5f7e99571b1fcee56aab47440d','failed',NULL,0,'This request could not be executed before the completion window.','',0,'','','',NULL,NULL,NULL,NULL,1,'This request could not be executed before the completion window.','2026-11-21T14:40:16.439+00:00');
CREATE TABLE scenario (
        position INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        definition TEXT NOT NULL
    ) STRICT;
INSERT INTO "scenario" VALUES(1,'thing_0','{"attributes":[["price","euros",10.0,900.0],["battery_life","hours",1.0,48.0],["weight","grams",90.0,400.0]],"name":"thing_0","question":"Imagine you are Macbeth. Which thing 0 would you prefer?"}');
CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "study" VALUES('batch rows 276ff173e4904aafa571872e31cb500e','{"thing_0/0":["thing_0",0,{"option_a":[861.0,46.0,108.0],"option_b":[86.0,40.0,318.0]},"b8d6badc70c542e6994526685126cd008cbf2b5f7e99571b1fcee56aab47440d"],"thing_0/1":["thing_0",1,{"option_a":[606.0,15.0,278.0],"option_b":[550.0,28.0,139.0]},"75ab83eb0edc8d603366ec4f39cac6a1447e8882f0c132cbb93c35b89e094209"],"thing_0/2":["thing_0",2,{"option_a":[393.0,19.0,314.0],"option_b":[895.0,46.0,259.0]},"d952d8f12976dac350b41ab78657af8a40c836b7370424cb066eb859c26471ae"],"thing_0/4":["thing_0",4,{"option_a":[348.0,43.0,253.0],"option_b":[509.0,12.0,97.0]},"34195a0574261d280ccbd0aa0604a947c19cc9fd4b18e494d78cea402003346d"],"thing_0/5":["thing_0",5,{"option_a":[299.0,7.0,248.0],"option_b":[899.0,33.0,146.0]},"666f929570ae6be8351d34ecfcd9b0b08df004a5458a233acbca5fc2cc145745"]}');
INSERT INTO "study" VALUES('batch rows ef379eba420645e18418b28891e44d80','{}');
INSERT INTO "study" VALUES('batches','[{"base_url":"http://127.0.0.1:8000/v1","batch_id":"batch_74a719aca40793c5","cell":"[\"choice\",\"model-a\",\"native\",\"\",\"\",0,\"model-a\",\"{\\\"prompts\\\":\\\"bbe8418f0ed2c16c656a175d029c241725bbcd7e218b7f0f5cc2673f22c8d78f\\\",\\\"temperature\\\":0.0}\"]","file_id":"file-15033ed8eaa44b01","merged":true,"name":"ef379eba420645e18418b28891e44d80"},{"base_url":"http://127.0.0.1:8000/v1","batch_id":"","cell":"[\"choice\",\"model-a\",\"native\",\"\",\"\",0,\"model-a\",\"{\\\"prompts\\\":\\\"bbe8418f0ed2c16c656a175d029c241725bbcd7e218b7f0f5cc2673f22c8d78f\\\",\\\"temperature\\\":0.0}\"]","file_id":"file-c9375de0c8bd772f","merged":false,"name":"276ff173e4904aafa571872e31cb500e"}]');
INSERT INTO "study" VALUES('drawn ["choice","model-a","native","","",0,"model-a","{\"prompts\":\"bbe8418f0ed2c16c656a175d029c241725bbcd7e218b7f0f5cc2673f22c8d78f\",\"temperature\":0.0}","thing_0"]','[6]');
INSERT INTO "study" VALUES('id','7a1c1105752b4955b4d0b0d04490f914');
INSERT INTO "study" VALUES('prompts bbe8418f0ed2c16c656a175d029c241725bbcd7e218b7f0f5cc2673f22c8d78f','{"choice":"[DECISION TASK] Respond with \"A\" if you think Option A is better, or \"B\" if you think Option B is better. Never respond with anything except \"A\" or \"B\":\n\n{question}\n{options}","report":"[INTROSPECTION TASK] Respond with how heavily you believe you weighted each of the {count_word} dimensions while making your decision on a scale from -100 to 100. Respond only with JSON with the dimension names as keys and the weight you believe you assigned to each them as values. Never respond with anything except this JSON object with {count} key-value pairs. (Do not report your decision itself.):\n\n{question}\n{options}","system":"Your job is to make hypothetical decisions on behalf of different people or characters."}');
CREATE UNIQUE INDEX answer_that_counts ON reply (cell, scenario, trial) WHERE superseded = 0;
COMMIT;
PRAGMA application_id = 1397050438;
PRAGMA user_version = 1;
