use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Map;

use super::*;
use crate::source::{Body, Resource, Source as _};
use crate::sources::rest::config::OnPartitionError;
use crate::sources::rest::http::Response;
use crate::sources::rest::{EndpointBuilder, RestSource};

/// Posts have comments on as many pages as their id says, two on each.
#[derive(Debug, Default)]
struct Blog {
    asked: Mutex<Vec<String>>,
    broken: BTreeSet<String>,
    /// Requests that are answered before the budget is spent.
    budget: Option<usize>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

#[async_trait]
impl Transport for Blog {
    async fn send(&self, request: &Request) -> Result<Response> {
        let page = request.params.get("page").and_then(Value::as_u64).unwrap_or(0);
        let address = format!("{}?{page}", request.url.rsplit('/').next().unwrap_or_default());
        let count = {
            let mut asked = self.asked.lock().unwrap();
            if self.budget.is_some_and(|budget| asked.len() >= budget) {
                return Err(Error::budget_spent("enough"));
            }
            asked.push(address.clone());
            asked.len()
        };
        let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        // Answers come in another order than requests.
        for _ in 0..(count * 7) % 5 {
            tokio::task::yield_now().await;
        }
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        if self.broken.contains(&address) {
            return Ok(Response::new(500, request.url.clone(), Vec::new(), b"{}".to_vec()));
        }
        let id: u64 = request.url.rsplit('/').next().unwrap_or_default().parse().unwrap();
        let rows: Vec<Value> = (0..2).map(|row| json!({"id": id * 100 + page * 10 + row})).collect();
        let body = json!({"data": rows, "total": id}).to_string();
        Ok(Response::new(200, request.url.clone(), Vec::new(), body.into_bytes()))
    }
}

fn source(blog: &Arc<Blog>, choose: impl FnOnce(EndpointBuilder) -> EndpointBuilder) -> RestSource {
    let paginator = serde_json::from_value(json!("page_number")).unwrap();
    let comments = EndpointBuilder::new("comments")
        .path("of/{resources.posts.id}")
        .paginator(paginator)
        .data_selector("data")
        .include_from_parent(["id"]);
    RestSource::builder("blog", "http://blog/")
        .transport(Arc::clone(blog) as Arc<dyn Transport>)
        .resource(EndpointBuilder::new("posts"))
        .resource(choose(comments))
        .build()
        .unwrap()
}

/// The pages of posts 1 to 4, as the engine keeps them.
fn posts() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[{\"id\":2,\"x\":1},{\"id\":1}]\n[]\n[{\"id\":4},{\"id\":3}]\n").unwrap();
    file
}

async fn open(source: &RestSource, opening: &Opening) -> Box<dyn Extractor> {
    let resources = source.resources(&crate::source::SourceContext::default()).await.unwrap();
    let comments: &Resource = resources.iter().find(|resource| resource.name == "comments").unwrap();
    source.open(comments, opening).await.unwrap().remove(0)
}

fn records(page: &Page) -> Vec<String> {
    let Body::TypedLines(bytes) = &page.body else { panic!("records with fields of the parent are lines") };
    String::from_utf8(bytes.clone())
        .unwrap()
        .lines()
        .enumerate()
        .map(|(row, line)| {
            let record: Map<String, Value> = serde_json::from_str(line).unwrap();
            format!("{} {} {}", page.first + row as u64, record["id"], record["_posts_id"])
        })
        .collect()
}

/// Reads at most so many pages; gives the records and whether there may be more.
async fn read(extractor: &mut dyn Extractor, pages: usize) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for _ in 0..pages {
        let Some(page) = extractor.next_page().await? else { break };
        all.extend(records(&page));
    }
    Ok(all)
}

fn of_posts(file: &tempfile::NamedTempFile) -> Opening {
    Opening { parent_pages: Some(file.path().to_owned()), ..Opening::default() }
}

#[tokio::test]
async fn chains_keep_their_order_however_many_run_at_once() {
    let file = posts();
    let all = |choose: fn(EndpointBuilder) -> EndpointBuilder| {
        let opening = of_posts(&file);
        async move {
            let blog = Arc::new(Blog::default());
            let source = source(&blog, choose);
            let rows = read(open(&source, &opening).await.as_mut(), 100).await.unwrap();
            (rows, blog.most_at_once.load(Ordering::SeqCst))
        }
    };
    let (one_by_one, at_once) = all(|comments| comments).await;
    assert_eq!(at_once, 1);
    assert_eq!(one_by_one.len(), 20);
    assert_eq!(one_by_one[..5], ["0 200 2", "1 201 2", "2 210 2", "3 211 2", "4 100 1"]);
    let (parallel, at_once) = all(EndpointBuilder::parallelized).await;
    assert_eq!(parallel, one_by_one);
    assert!(at_once > 1, "{at_once}");
}

#[tokio::test]
async fn reading_goes_on_at_every_page() {
    let file = posts();
    for choose in [|comments| comments, EndpointBuilder::parallelized] {
        let blog = Arc::new(Blog::default());
        let source = source(&blog, choose);
        let whole = read(open(&source, &of_posts(&file)).await.as_mut(), 100).await.unwrap();
        for pages in 1..=10 {
            let mut first = open(&source, &of_posts(&file)).await;
            let mut rows = read(first.as_mut(), pages).await.unwrap();
            let position = first.position();
            assert!(position.is_some(), "after page {pages}");
            let mut rest = open(&source, &Opening { position, ..of_posts(&file) }).await;
            rows.extend(read(rest.as_mut(), 100).await.unwrap());
            assert_eq!(rows, whole, "after page {pages}");
        }
    }
}

#[tokio::test]
async fn a_failed_chain_is_left_out_and_read_on_where_it_failed() {
    let file = posts();
    let lenient = |comments: EndpointBuilder| comments.on_partition_error(OnPartitionError::Continue);
    let broken = Arc::new(Blog { broken: BTreeSet::from(["4?2".to_owned()]), ..Blog::default() });
    let mut extractor = open(&source(&broken, lenient), &of_posts(&file)).await;
    let rows = read(extractor.as_mut(), 100).await.unwrap();
    assert_eq!(rows.len(), 16);
    let failures = extractor.failures();
    let [failure] = failures.as_slice() else { panic!("{failures:?}") };
    assert_eq!(failure.partition["parent"], json!({"id": 4}));
    assert!(failure.error.to_string().contains("500"), "{}", failure.error);
    assert!(extractor.failures().is_empty());

    // The next run reads the rest of it, and the others again.
    let blog = Arc::new(Blog::default());
    let opening = Opening { retries: vec![failure.partition.clone()], ..of_posts(&file) };
    let rows = read(open(&source(&blog, lenient), &opening).await.as_mut(), 100).await.unwrap();
    assert_eq!(rows[..5], ["0 420 4", "1 421 4", "2 430 4", "3 431 4", "4 200 2"]);
    assert_eq!(rows.len(), 16, "what was retried is not read twice");

    let mut strict = open(&source(&broken, |comments| comments), &of_posts(&file)).await;
    assert!(read(strict.as_mut(), 100).await.unwrap_err().to_string().contains("500"));
}

#[tokio::test]
async fn a_spent_budget_leaves_all_that_is_unread_behind() {
    let file = posts();
    for choose in [|comments| comments, EndpointBuilder::parallelized] {
        let blog = Arc::new(Blog { budget: Some(4), ..Blog::default() });
        let mut extractor = open(&source(&blog, choose), &of_posts(&file)).await;
        let mut rows = Vec::new();
        let error = loop {
            match extractor.next_page().await {
                Ok(Some(page)) => rows.extend(records(&page)),
                Ok(None) => panic!("the budget was not spent"),
                Err(error) => break error,
            }
        };
        assert!(error.is_budget_spent());
        let failures = extractor.failures();
        assert!(failures.iter().all(|failure| failure.error.is_budget_spent()));
        let retries = failures.into_iter().map(|failure| failure.partition).collect();
        let nothing = tempfile::NamedTempFile::new().unwrap();
        let next = source(&Arc::new(Blog::default()), |comments| comments);
        let mut rest = open(&next, &Opening { retries, ..of_posts(&nothing) }).await;
        rows.extend(read(rest.as_mut(), 100).await.unwrap());
        let ids: BTreeSet<&str> = rows.iter().filter_map(|row| row.split(' ').nth(1)).collect();
        assert_eq!((rows.len(), ids.len()), (20, 20), "{rows:?}");
    }
}
