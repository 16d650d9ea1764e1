"""Words of the interface that have names."""

from __future__ import annotations

WORKSPACE_BLOB_DATASTORE = "workspaceblobstore"
WORKSPACE_FILE_DATASTORE = "workspacefilestore"

AZURE_BLOB = "AzureBlob"
AZURE_FILE = "AzureFile"
AZURE_DATA_LAKE = "AzureDataLake"
AZURE_DATA_LAKE_GEN2 = "AzureDataLakeGen2"
AZURE_MYSQL = "AzureMySql"
AZURE_POSTGRESQL = "AzurePostgreSql"
AZURE_SQL_DATABASE = "AzureSqlDatabase"
CUSTOM = "Custom"
DBFS = "DBFS"
GIT = "Git"
HDFS = "Hdfs"

ACCOUNT_KEY = "AccountKey"
CLIENT_CREDENTIALS = "ClientCredentials"
NONE = "None"
SAS = "Sas"
SERVICE_PRINCIPAL = "ServicePrincipal"
SQL_AUTHENTICATION = "SqlAuthentication"

DIRECT_MODE = "direct"
DOWNLOAD_MODE = "download"
HDFS_MODE = "hdfs"
LINK_MODE = "link"
MOUNT_MODE = "mount"
UPLOAD_MODE = "upload"
