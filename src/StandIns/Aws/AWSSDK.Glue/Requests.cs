#nullable disable
using Amazon.Runtime;

namespace Amazon.Glue.Model;

public class CreateDatabaseRequest : AmazonWebServiceRequest
{
    public string CatalogId { get; set; }

    public DatabaseInput DatabaseInput { get; set; }
}

public class CreateDatabaseResponse : AmazonWebServiceResponse;

public class GetDatabaseRequest : AmazonWebServiceRequest
{
    public string CatalogId { get; set; }

    public string Name { get; set; }
}

public class GetDatabaseResponse : AmazonWebServiceResponse
{
    public Database Database { get; set; }
}

public class GetDatabasesRequest : AmazonWebServiceRequest
{
    public string CatalogId { get; set; }

    public int? MaxResults { get; set; }

    public string NextToken { get; set; }
}

public class GetDatabasesResponse : AmazonWebServiceResponse
{
    public List<Database> DatabaseList { get; set; }

    public string NextToken { get; set; }
}

public class UpdateDatabaseRequest : AmazonWebServiceRequest
{
    public string CatalogId { get; set; }

    public DatabaseInput DatabaseInput { get; set; }

    public string Name { get; set; }
}

public class UpdateDatabaseResponse : AmazonWebServiceResponse;

public class DeleteDatabaseRequest : AmazonWebServiceRequest
{
    public string CatalogId { get; set; }

    public string Name { get; set; }
}

public class DeleteDatabaseResponse : AmazonWebServiceResponse;

public class CreateTableRequest : AmazonWebServiceRequest
{
    public string CatalogId { get; set; }

    public string DatabaseName { get; set; }

    public TableInput TableInput { get; set; }
}

public class CreateTableResponse : AmazonWebServiceResponse;

public class GetTableRequest : AmazonWebServiceRequest
{
    public string CatalogId { get; set; }

    public string DatabaseName { get; set; }

    public string Name { get; set; }
}

public class GetTableResponse : AmazonWebServiceResponse
{
    public Table Table { get; set; }
}

public class GetTablesRequest : AmazonWebServiceRequest
{
    public string CatalogId { get; set; }

    public string DatabaseName { get; set; }

    public string Expression { get; set; }

    public int? MaxResults { get; set; }

    public string NextToken { get; set; }
}

public class GetTablesResponse : AmazonWebServiceResponse
{
    public string NextToken { get; set; }

    public List<Table> TableList { get; set; }
}

public class UpdateTableRequest : AmazonWebServiceRequest
{
    public string CatalogId { get; set; }

    public string DatabaseName { get; set; }

    public bool? SkipArchive { get; set; }

    public TableInput TableInput { get; set; }

    public string VersionId { get; set; }
}

public class UpdateTableResponse : AmazonWebServiceResponse;

public class DeleteTableRequest : AmazonWebServiceRequest
{
    public string CatalogId { get; set; }

    public string DatabaseName { get; set; }

    public string Name { get; set; }
}

public class DeleteTableResponse : AmazonWebServiceResponse;
